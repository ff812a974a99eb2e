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

    internal sealed override ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken) => Outbound.SendAsync(frame, cancellationToken);
}
