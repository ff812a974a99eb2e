using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>What a client and the server say to each other on one connection after the other.</summary>
internal abstract class Conversation
{
    /// <summary>What the client got.</summary>
    public abstract Arrivals Arrivals { get; }

    /// <summary>Whether the client can be sure to get what is sent from now on.</summary>
    public abstract bool IsReady { get; }

    /// <summary>A connection is open.</summary>
    /// <param name="send">Sends text on it.</param>
    public virtual void Opened(Action<string> send)
    {
    }

    /// <summary>A message came.</summary>
    public abstract void Take(ReadOnlySpan<byte> message, long now);

    /// <summary>The body as this server expects it.</summary>
    public abstract string Wrap(string body);

    /// <summary>When the client comes back after its connection has ended, if it does.</summary>
    public virtual TimeSpan? ReturnAfter(FaultException end) => null;
}
