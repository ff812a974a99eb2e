namespace Runnel.Consumers;

/// <summary>The consumer that a <see cref="ConsumerBuilder"/> describes.</summary>
internal sealed class LambdaConsumer(ConsumerBuilder functions) : WebSocketConsumer
{
    public override Task OnConnectAsync(CancellationToken cancellationToken) =>
        functions.Connect?.Invoke(Connection, cancellationToken) ?? base.OnConnectAsync(cancellationToken);

    public override Task OnAdoptAsync(CancellationToken cancellationToken) => functions.Adopt?.Invoke(Connection, cancellationToken) ?? Task.CompletedTask;

    public override Task OnReceiveAsync(string text, CancellationToken cancellationToken) =>
        functions.ReceiveText?.Invoke(text, Connection, cancellationToken) ?? base.OnReceiveAsync(text, cancellationToken);

    public override Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        functions.ReceiveBinary?.Invoke(data, Connection, cancellationToken) ?? base.OnReceiveAsync(data, cancellationToken);

    public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken) =>
        functions.Disconnect?.Invoke(code, Connection) ?? Task.CompletedTask;
}
