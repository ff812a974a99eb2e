namespace Runnel;

/// <summary>A connection whose client this process holds. A transport of your own derives from it.</summary>
public abstract class SocketConnection : Connection
{
    /// <summary>Creates a connection of a node.</summary>
    protected SocketConnection(NodeContext node)
        : base(node)
    {
    }

    /// <summary>What waits for the client. Streams of one socket share it.</summary>
    public abstract OutboundQueue Outbound { get; }

    /// <summary>The connection is about to be closed, and the client still has to read what was sent before: from now on it has only a limited time for that.</summary>
    /// <remarks>Called when the consumer works in another process and has closed the connection. If your transport limits how long a close takes, begin to count here. Then the connection is closed or cut.</remarks>
    protected internal virtual void OnClosing()
    {
    }

    internal sealed override ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken) => Outbound.SendAsync(frame, cancellationToken);
}
