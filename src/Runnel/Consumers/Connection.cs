using System.Text.Json;
using Runnel.Frames;
using Runnel.Layers;

namespace Runnel;

/// <summary>One client, whatever carries it: a socket of its own, a stream of a shared socket, or a test. A consumer talks to it.</summary>
/// <remarks>
/// Thread-safe. Sending to a client that is gone does nothing and does not fail: <c>OnDisconnectAsync</c> tells the consumer. Whatever carries connections derives from
/// <see cref="SocketConnection"/>.
/// </remarks>
public abstract class Connection
{
    /// <summary>The most bytes of a value that is kept, as JSON.</summary>
    public const int MaxKeptBytes = 16 * 1024;

    private volatile byte[]? _kept;

    private protected Connection(NodeContext node, WaitingBytes? waiting = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        Node = node;
        Number = node.NextNumber();
        Waiting = waiting ?? new(node.Options.MaxWaitingEventBytes);
    }

    /// <summary>The node that its consumer works on.</summary>
    public NodeContext Node { get; }

    /// <summary>Its number on this node. Logs show it in hexadecimal, and the node never uses it again.</summary>
    public long Number { get; }

    /// <summary>Its address: any code on any node can send it an event (<see cref="IChannels"/>) or add it to a group (<see cref="IGroups"/>).</summary>
    public virtual ChannelName ChannelName => Node.ChannelNameOf(Number);

    /// <summary>What is known about its client.</summary>
    public abstract ConsumerScope Scope { get; }

    /// <summary>Cancelled when the client is gone.</summary>
    public abstract CancellationToken Gone { get; }

    /// <summary>Whether the event that is being handled may have been handled before, in part or as a whole: by a worker that died (<see cref="WebSocketConsumer.OnAdoptAsync"/>).</summary>
    public bool IsRedelivered { get; internal set; }

    /// <summary>Accepts the connection. From then on you can send to it.</summary>
    /// <exception cref="InvalidOperationException">It was accepted or rejected before, or the client does not offer the subprotocol.</exception>
    public abstract Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default);

    /// <summary>Refuses the connection: a handshake is answered with HTTP status 403.</summary>
    /// <exception cref="InvalidOperationException">It was accepted before; close it instead.</exception>
    public abstract Task RejectAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends text. Waits while the client's queue is full (<see cref="OutboundOptions"/>).</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendAsync(string text, CancellationToken cancellationToken = default);

    /// <summary>Sends bytes. Waits while the client's queue is full.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Sends JSON that is already encoded as UTF-8. Waits while the client's queue is full.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public abstract ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default);

    /// <summary>Sends a value as JSON text. Waits while the client's queue is full.</summary>
    /// <exception cref="InvalidOperationException">It is not accepted yet.</exception>
    public ValueTask SendJsonAsync<T>(T value, CancellationToken cancellationToken = default) =>
        SendUtf8JsonAsync(JsonSerializer.SerializeToUtf8Bytes(value, Node.Options.Json), cancellationToken);

    /// <summary>Keeps a small value for whoever adopts the connection (<see cref="WebSocketConsumer.OnAdoptAsync"/>). It takes the place of the value that was kept before.</summary>
    /// <remarks>
    /// Call it while you handle an event. The value is stored where the client's socket is, at the moment when the event counts as handled. If the worker dies before that, the event is handled
    /// again, and <see cref="GetKept{T}"/> returns the value from before the event. Each stream of a shared socket keeps its own.
    /// </remarks>
    /// <param name="value">The value. It is kept as JSON (<see cref="RunnelOptions.Json"/>).</param>
    /// <exception cref="ArgumentException">The JSON is longer than <see cref="MaxKeptBytes"/>.</exception>
    public void Keep<T>(T value)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, Node.Options.Json);
        if (json.Length > MaxKeptBytes)
            throw new ArgumentException($"A connection keeps at most {MaxKeptBytes} bytes, and this value has {json.Length} as JSON. Keep what finds it again, such as an id.", nameof(value));
        _kept = json;
        OnKept();
    }

    /// <summary>What was kept last; the default of its type if nothing was.</summary>
    public T? GetKept<T>() => _kept is { } json ? JsonSerializer.Deserialize<T>(json, Node.Options.Json) : default;

    /// <summary>How much waits for its consumer. The streams of one socket share it with their socket.</summary>
    internal WaitingBytes Waiting { get; }

    /// <summary>What is kept, as JSON.</summary>
    internal byte[]? Kept
    {
        get => _kept;
        set => _kept = value;
    }

    /// <summary>Closes the connection after everything that was sent before. Then <c>OnDisconnectAsync</c> is called. A second close does nothing.</summary>
    /// <param name="code">A code of <see cref="CloseCode"/> that can be sent, or a code of your own from 3000 to 4999.</param>
    /// <param name="reason">Why, for people; at most 123 bytes are sent.</param>
    /// <param name="cancellationToken">Ends the wait, not the closing.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code cannot be sent.</exception>
    public Task CloseAsync(int code = CloseCode.Normal, string? reason = null, CancellationToken cancellationToken = default)
    {
        if (!CloseCode.CanBeSent(code))
            throw new ArgumentOutOfRangeException(nameof(code), code, "A connection cannot be closed with this code. Use one from 1000 to 1014, but not 1004, 1005 or 1006, or one of your own from 3000 to 4999.");
        return CloseOnceAsync(code, reason, cancellationToken);
    }

    /// <summary>Sends a frame as it is. Waits while the client's queue is full.</summary>
    internal abstract ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken);

    /// <summary>Whether this node holds the socket, so that it is one of its connections.</summary>
    internal virtual bool IsOfThisNode => true;

    /// <summary>The connection keeps another value.</summary>
    internal virtual void OnKept()
    {
    }

    /// <summary>The consumer's <c>OnConnectAsync</c> has returned, and nothing that was held for the client has gone out yet.</summary>
    internal virtual Task EndConnectingAsync() => Task.CompletedTask;

    /// <summary>Closes the connection. It may be called more than once, and only with codes that can be sent.</summary>
    protected abstract Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken);

    /// <summary>Cuts the connection at once. Neither a close nor what waits for the client is sent.</summary>
    public abstract void Abort();

    /// <summary>The connection's number, as logs show it.</summary>
    public override string ToString() => Number.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}
