using System.Text.Json;
using Runnel.Consumers;
using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Streams;

/// <summary>One stream of a shared socket, as its consumer sees it: a connection like any other.</summary>
internal sealed class StreamConnection : Connection
{
    private readonly Connection _socket;
    private readonly string _name;
    private readonly ConsumerSession _session;
    private bool _accepted;
    private bool _closed;
    private bool _wasOver; // before this worker had the socket: there is no consumer
    private readonly Lazy<Task> _disconnected;
    private int _code = CloseCode.Abnormal;

    public StreamConnection(ConsumerContext socket, string name, ConsumerDescriptor descriptor)
        : base(socket.Connection.Node, socket.Connection.Waiting)
    {
        _socket = socket.Connection;
        _name = name;
        _session = new ConsumerSession(socket.Host, this, descriptor, events => socket.Membership.OfStream(Number, name, events));
        _disconnected = new(() => _wasOver ? Task.CompletedTask : _session.DisconnectAsync(_code, _accepted));
    }

    public override ChannelName ChannelName => _session.Context.Membership.ChannelName;

    public override ConsumerScope Scope => _socket.Scope;

    public override CancellationToken Gone => _socket.Gone;

    internal override bool IsOfThisNode => _socket.IsOfThisNode;

    public Task ConnectAsync() => _session.ConnectAsync();

    /// <summary>The socket has come from another worker, and the stream with it.</summary>
    public Task AdoptAsync()
    {
        _accepted = true;
        if (_session.Context.Membership.IsOver)
        {
            _closed = _wasOver = true;
            return Task.CompletedTask;
        }
        Kept = _session.Context.Membership.Kept;
        return _session.AdoptAsync();
    }

    /// <summary>The socket is about to go to another worker: the consumer handles nothing more. A stream that is closed has no consumer there, so its end is told here.</summary>
    public async Task RestAsync()
    {
        if (!_closed)
            await _session.TryRestAsync();
        if (!_closed)
            return;
        await _disconnected.Value;
        if (!_wasOver)
            await _session.DisconnectAsync(_code, _accepted); // if the event that was at hand has closed it
    }

    /// <summary>The socket goes to another worker, and the stream with it.</summary>
    public Task ReleaseAsync() => _session.LeaveAsync();

    // Before what was held for the client goes out: a stream that nobody accepted gets nothing.
    internal override Task EndConnectingAsync() =>
        _accepted ? Task.CompletedTask : CloseOnceAsync(CloseCode.PolicyViolation, "The stream was not accepted.", CancellationToken.None);

    /// <summary>Gives the consumer a message, unless the stream is closed.</summary>
    public async Task<bool> TryReceiveAsync(JsonElement payload)
    {
        if (_closed)
            return false;
        await _session.ReceivePayloadAsync(payload, _socket.IsRedelivered);
        return true;
    }

    /// <summary>The socket is gone, and the stream with it; also called for a stream that ended before.</summary>
    public Task DisconnectAsync(int code)
    {
        TryClose(code);
        return _disconnected.Value;
    }

    public override Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default)
    {
        if (options is { Subprotocol: not null } or { Headers: not null })
            throw new InvalidOperationException($"{What} cannot choose a subprotocol or send headers: its socket is accepted already, since others share it or the client speaks {ClientHello.Subprotocol}.");
        if (_accepted || _closed)
            throw new InvalidOperationException($"{What} was accepted or rejected before.");
        _accepted = true;
        return Task.CompletedTask;
    }

    public override Task RejectAsync(CancellationToken cancellationToken = default) =>
        CloseOnceAsync(CloseCode.PolicyViolation, "The stream was not accepted.", cancellationToken);

    public override ValueTask SendAsync(string text, CancellationToken cancellationToken = default) =>
        SendOwnAsync(StreamFrame.Text(_name, text), cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        SendOwnAsync(StreamFrame.Binary(_name, data), cancellationToken);

    public override ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) =>
        SendOwnAsync(StreamFrame.Json(_name, json), cancellationToken);

    public override void Abort() => _socket.Abort();

    internal override ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken) => _socket.SendFrameAsync(frame, cancellationToken);

    internal override void OnKept() => _session.Context.Membership.Keep(Kept!, _session.Context.IsHandling);

    protected override async Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken)
    {
        if (!TryClose(code))
            return;
        // Not awaited: the consumer may be the one that closes, and its end comes after what it is doing. The socket's end awaits it.
        _ = DisconnectAsync(code);
        // It has the socket to itself, or its client is to come back: a stream opens only with a socket.
        if (_name.Length == 0 || code == CloseCode.TryAgainLater)
            await _socket.CloseAsync(code, reason, cancellationToken);
        else
            await _socket.SendFrameAsync(StreamFrame.Close(_name, code, reason), cancellationToken);
    }

    private string What => _name.Length == 0 ? "The connection" : $"Stream '{_name}'";

    private bool TryClose(int code)
    {
        lock (_session)
        {
            if (_closed)
                return false;
            (_closed, _code) = (true, code);
            return true;
        }
    }

    private ValueTask SendOwnAsync(Frame frame, CancellationToken cancellationToken)
    {
        if (!_accepted)
            throw new InvalidOperationException($"{What} is not accepted yet: call AcceptAsync before sending.");
        return _closed ? ValueTask.CompletedTask : _socket.SendFrameAsync(frame, cancellationToken);
    }
}
