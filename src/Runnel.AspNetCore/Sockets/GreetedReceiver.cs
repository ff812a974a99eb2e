namespace Runnel.AspNetCore.Sockets;

/// <summary>Reads the socket of a client that speaks <c>runnel.v1</c>: its first message is its hello, and only then does its consumer connect.</summary>
/// <param name="connection">The connection, which is open.</param>
/// <param name="options">The endpoint's.</param>
/// <param name="gateway">The node's.</param>
/// <param name="begin">Makes the session of the connection.</param>
/// <param name="connect">Lets the session's consumer connect.</param>
internal sealed class GreetedReceiver(
    WebSocketConnection connection, ConsumerEndpointOptions options, GatewayOptions gateway, Func<ClientHello, IConsumerSession> begin, Func<IConsumerSession, Task> connect)
    : WebSocketReceiver(connection, session: null, options)
{
    private const string Restarting = "The server is restarting.";

    private ITimer? _timer;
    private CancellationToken _closing;

    /// <summary>The session, once the client has said hello.</summary>
    public IConsumerSession? Session { get; private set; }

    /// <summary>Reads until the end.</summary>
    /// <param name="closing">Cancelled when the node closes its connections.</param>
    public async Task<int> RunAsync(CancellationToken closing)
    {
        _closing = closing;
        // Until its session begins nobody else knows of the Connection.
        await using var stop = closing.Register(() => CloseSilent(CloseCode.ServiceRestart, Restarting));
        await using (_timer = Connection.Node.TimeProvider.CreateTimer(_ => CloseSilent(CloseCode.TryAgainLater, "No hello came in time."), null, gateway.HelloTimeout, Timeout.InfiniteTimeSpan))
            return await RunAsync();
    }

    protected override ValueTask TakeAsync(ReadOnlyMemory<byte> message, bool isText) => Session switch
    {
        null => new ValueTask(GreetAsync(message, isText)),
        { } session => isText ? session.ReceiveTextAsync(message) : session.ReceiveBinaryAsync(message),
    };

    private async Task GreetAsync(ReadOnlyMemory<byte> message, bool isText)
    {
        if (message.Length > ClientHello.MaxBytes)
        {
            await Connection.CloseAsync(CloseCode.MessageTooBig, $"A hello has at most {ClientHello.MaxBytes} bytes.");
            return;
        }
        if (!isText || !ClientHello.TryRead(message.Span, out var hello))
        {
            await Connection.CloseAsync(CloseCode.ProtocolError, $"The first message of {ClientHello.Subprotocol} is a hello of version 1.");
            return;
        }
        await Connection.Outbound.SendAsync(ClientHello.Answer(gateway.ReconnectWindow));
        Session = begin(hello);
        _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await connect(Session);
        if (_closing.IsCancellationRequested)
            await Connection.CloseAsync(CloseCode.ServiceRestart, Restarting); // it may have come too late to be among those whose turn comes
    }

    private void CloseSilent(int code, string reason)
    {
        if (Session is null)
            _ = Connection.CloseAsync(code, reason);
    }
}
