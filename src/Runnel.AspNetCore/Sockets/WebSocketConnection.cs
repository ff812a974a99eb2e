using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore.Sockets;

/// <summary>A connection that is a WebSocket of its own.</summary>
internal sealed class WebSocketConnection : SocketConnection, IFrameWriter, IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly ConsumerEndpointOptions _options;
    private readonly GatewayOptions _gateway;
    private readonly CancellationTokenSource _goneSource;
    private ISocketCarrier? _carrier;
    private Frame? _closeFrame;
    private CancellationTokenSource? _cut;
    private int _decided;
    private int _closedWith;
    private bool _ended;
    private bool _isOpened; // by the protocol: the client speaks runnel.v1

    public WebSocketConnection(NodeContext node, HttpContext context, ConsumerEndpointOptions options, GatewayOptions gateway)
        : base(node)
    {
        _context = context;
        _options = options;
        _gateway = gateway;

        // Not the request's own token: that is cancelled only when the client breaks off, and is another request's once this one has ended.
        _goneSource = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Gone = _goneSource.Token;
        Scope = new HttpConsumerScope(context);
        Outbound = new OutboundQueue(options.Outbound, this);
    }

    public override ConsumerScope Scope { get; }

    public override CancellationToken Gone { get; }

    public override OutboundQueue Outbound { get; }

    /// <summary>The socket, once accepted.</summary>
    public ISocketCarrier? Carrier => Volatile.Read(ref _carrier);

    /// <summary>The HTTP status with which it was refused; 0 while it was not.</summary>
    public int RefusedWith { get; private set; }

    /// <summary>The code with which this side began to close; 0 while it did not.</summary>
    public int ClosedWith => Volatile.Read(ref _closedWith);

    /// <summary>Whether the consumer is at work on a message of the client, so that nobody reads: the client's silence says nothing then.</summary>
    public bool IsHandling { get; set; }

    public override async Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (_isOpened)
            return; // its consumer is that of a shared socket, which asks for nothing else
        if (options.Subprotocol is { } subprotocol && !Scope.Subprotocols.Contains(subprotocol))
            throw new InvalidOperationException($"The client does not offer the subprotocol '{subprotocol}'; it offers: {string.Join(", ", Scope.Subprotocols)}.");
        Decide();
        foreach (var (name, value) in options.Headers ?? new Dictionary<string, string>())
            _context.Response.Headers.Append(name, value);
        await OpenAsync(options);
    }

    /// <summary>Opens the socket of a client that speaks <c>runnel.v1</c>, before its consumer connects.</summary>
    public Task OpenAsync()
    {
        Decide();
        _isOpened = true;
        return OpenAsync(new AcceptOptions { Subprotocol = ClientHello.Subprotocol });
    }

    private async Task OpenAsync(AcceptOptions options)
    {
        if (options.Subprotocol is not null)
            _context.Response.Headers.SecWebSocketProtocol = options.Subprotocol;
        var stream = await WebSocketHandshake.UpgradeAsync(_context);
        var rate = new InboundRate(_options, Node.TimeProvider);
        Begin(stream is null
            ? new ManagedSocket(await _context.WebSockets.AcceptWebSocketAsync(options.Subprotocol), rate, Node.TimeProvider)
            : new UpgradedSocket(stream, OwnOutput(), this, rate, options.Subprotocol));
    }

    public override Task RejectAsync(CancellationToken cancellationToken = default)
    {
        Decide();
        RefusedWith = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

    public override ValueTask SendAsync(string text, CancellationToken cancellationToken = default) => SendFrameAsync(Frame.Text(text), cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        SendFrameAsync(Frame.Binary(data.Span), cancellationToken);

    public override ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) =>
        SendFrameAsync(Frame.Text(json.Span), cancellationToken);

    /// <summary>Sends the last frame after all that waits; a client that does not read it is cut in time.</summary>
    public Task FinishAsync(Frame last)
    {
        var written = Outbound.FinishAsync(last);
        if (!written.IsCompleted)
            _ = AbortLaterAsync();
        return written;
    }

    /// <summary>The client is gone: who waits on its behalf need not any more.</summary>
    public void EndWork()
    {
        try
        {
            _goneSource.Cancel();
        }
        catch (AggregateException exception)
        {
            Log.CallbackFailed(Node.Logger, exception, this); // what the application registered must not keep the connection from ending
        }
    }

    /// <summary>Refuses the connection unless it was accepted or rejected.</summary>
    /// <returns>Whether it had been neither.</returns>
    public bool RefuseUndecided()
    {
        if (Interlocked.CompareExchange(ref _decided, 1, 0) != 0)
            return false;
        RefusedWith = StatusCodes.Status403Forbidden;
        return true;
    }

    public override void Abort()
    {
        _ = Outbound.AbandonAsync();
        lock (Scope)
        {
            // The server uses a request's context again: once this one has ended it is somebody else's.
            if (!_ended)
                _context.Abort();
        }
    }

    /// <summary>The request is about to end: from here on nothing touches it.</summary>
    public async ValueTask DisposeAsync()
    {
        // The server takes the connection's memory back: who still writes to it would write into somebody else's.
        var written = Outbound.AbandonAsync();
        if (!written.IsCompleted)
            Abort();
        await written;

        EndWork();
        _goneSource.Dispose();
        lock (Scope)
        {
            _ended = true;
            _cut?.Cancel();
            _cut?.Dispose();
        }
    }

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames) => Carrier?.WriteAsync(frames) ?? ValueTask.CompletedTask;

    public Frame? AdviceFor(int code, string? reason) =>
        _isOpened && (code is CloseCode.ServiceRestart or CloseCode.TryAgainLater) ? ClientHello.CloseAdvice(code, reason, _gateway.ReconnectWindow) : null;

    public void OnOverflow()
    {
        Interlocked.CompareExchange(ref _closedWith, CloseCode.TryAgainLater, 0);
        Log.CannotKeepUp(Node.Logger, this);
        GatewayMetrics.ConnectionWasCut("slow");
        _ = AbortLaterAsync();
    }

    public void OnBroken(Exception exception) => Abort();

    protected override void OnClosing() => _ = AbortLaterAsync();

    protected override async Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken)
    {
        if (Carrier is null && Interlocked.CompareExchange(ref _decided, 1, 0) == 0)
        {
            RefusedWith = code switch
            {
                CloseCode.InternalError => StatusCodes.Status500InternalServerError,
                CloseCode.ServiceRestart or CloseCode.TryAgainLater => StatusCodes.Status503ServiceUnavailable,
                _ => StatusCodes.Status403Forbidden,
            };
            return;
        }
        if (RefusedWith != 0 || Interlocked.CompareExchange(ref _closedWith, code, 0) != 0)
            return;
        var written = CloseOrLeaveToBegin(Frame.Close(code, reason), AdviceFor(code, reason));
        _ = AbortLaterAsync();
        await written.WaitAsync(cancellationToken);
    }

    private void Begin(ISocketCarrier carrier)
    {
        Frame? close;
        lock (Scope)
        {
            _carrier = carrier;
            close = _closeFrame;
        }
        if (close is not null)
            _ = Outbound.FinishAsync(close);
    }

    // While the server upgrades the connection, nothing carries the frame yet.
    private Task CloseOrLeaveToBegin(Frame close, Frame? advice)
    {
        lock (Scope)
        {
            if (_carrier is null)
            {
                _closeFrame = close;
                return Task.CompletedTask;
            }
        }
        return Outbound.FinishAsync(close, advice);
    }

    // A client that reads nothing, or does not answer the close, is not waited for longer than this.
    private async Task AbortLaterAsync()
    {
        CancellationToken ended;
        lock (Scope)
        {
            if (_ended || _cut is not null)
                return;
            ended = (_cut = new CancellationTokenSource()).Token;
        }
        await Task.Delay(_gateway.CloseTimeout, Node.TimeProvider, ended).ContinueWith(
            static (delay, connection) =>
            {
                if (delay.IsCompletedSuccessfully)
                    ((WebSocketConnection)connection!).Abort();
            },
            this,
            TaskScheduler.Default);
    }

    private void Decide()
    {
        if (Interlocked.CompareExchange(ref _decided, 1, 0) != 0)
            throw new InvalidOperationException("The connection was accepted or rejected before.");
    }

    private ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken)
    {
        if (Carrier is null)
            throw new InvalidOperationException("The connection is not accepted yet: call AcceptAsync before sending.");
        return Outbound.SendAsync(frame, cancellationToken);
    }

    // An HTTP/1.1 connection is this socket's alone once upgraded, and the server writes nothing more to it.
    private PipeWriter? OwnOutput() =>
        HttpProtocol.IsHttp11(_context.Request.Protocol) ? _context.Features.Get<IConnectionTransportFeature>()?.Transport.Output : null;
}
