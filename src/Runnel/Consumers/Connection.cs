using System.Text.Json;
using Runnel.Layers;

namespace Runnel;

/// <summary>One client, whatever carries it: a socket of its own, a stream of a shared one, or a test. What a consumer talks to.</summary>
/// <remarks>All verbs are thread-safe. To a client that is gone, sending does nothing and does not fail: the consumer is told by its disconnect.</remarks>
public abstract class Connection
{
    /// <summary>Creates a connection of a node.</summary>
    protected Connection(NodeContext node)
    {
        ArgumentNullException.ThrowIfNull(node);
        Node = node;
        Number = node.NextNumber();
    }

    /// <summary>The node that holds it.</summary>
    public NodeContext Node { get; }

    /// <summary>Its number on this node, never used again while the process lives: what logs and dictionaries know it by.</summary>
    public long Number { get; }

    /// <summary>Its address: any code on any node can send it an event (<see cref="IChannels"/>) or add it to a group (<see cref="IGroups"/>).</summary>
    public ChannelName ChannelName => Node.ChannelNameOf(Number);

    /// <summary>What it knows of its client.</summary>
    public abstract ConsumerScope Scope { get; }

    /// <summary>Cancelled when the client is gone.</summary>
    public abstract CancellationToken Gone { get; }

    /// <summary>What waits for the client. Streams of one socket share it.</summary>
    public abstract OutboundQueue Outbound { get; }

    /// <summary>Accepts the connection; from then on it can be sent to.</summary>
    /// <exception cref="InvalidOperationException">It was accepted or rejected before, or the subprotocol is none that the client offers.</exception>
    public abstract Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default);

    /// <summary>Refuses the connection: a handshake is answered with HTTP status 403.</summary>
    /// <exception cref="InvalidOperationException">It was accepted before; close it instead.</exception>
    public abstract Task RejectAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends text. Waits while as much waits for the client as may (<see cref="OutboundOptions"/>).</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendAsync(string text, CancellationToken cancellationToken = default);

    /// <summary>Sends bytes. Waits while as much waits for the client as may.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Sends UTF-8 that is JSON already. Waits while as much waits for the client as may.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default);

    /// <summary>Sends a value as JSON text. Waits while as much waits for the client as may.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public ValueTask SendJsonAsync<T>(T value, CancellationToken cancellationToken = default) =>
        SendUtf8JsonAsync(JsonSerializer.SerializeToUtf8Bytes(value, Node.Options.Json), cancellationToken);

    /// <summary>Closes the connection after what has been sent; the consumer's disconnect follows. A second close does nothing.</summary>
    /// <param name="code">1000 to 1014 as <see cref="CloseCode"/> has them, or 3000–4999 for the application's own.</param>
    /// <param name="reason">Why, for people; at most 123 bytes are sent.</param>
    /// <param name="cancellationToken">Ends the wait, not the closing.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is none that may be sent.</exception>
    public Task CloseAsync(int code = CloseCode.Normal, string? reason = null, CancellationToken cancellationToken = default)
    {
        if (!CloseCode.CanBeSent(code))
            throw new ArgumentOutOfRangeException(nameof(code), code, "A connection is closed with a code of 1000 to 1014 other than 1004 to 1006, or of 3000 to 4999.");
        return CloseOnceAsync(code, reason, cancellationToken);
    }

    /// <summary>Closes the connection; called any number of times with codes that may be sent.</summary>
    protected abstract Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken);

    /// <summary>Cuts the connection: no close is sent, nothing that waits is.</summary>
    public abstract void Abort();

    /// <summary>The connection's number, as logs show it.</summary>
    public override string ToString() => Number.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}
