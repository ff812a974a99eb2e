namespace Runnel.Bench;

/// <summary>Sends back what its client says.</summary>
internal sealed class EchoConsumer(Membership members) : WebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        members.Join();
    }

    public override Task OnReceiveAsync(string text, CancellationToken cancellationToken) => SendAsync(text, cancellationToken).AsTask();

    public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        members.Leave();
        return Task.CompletedTask;
    }
}
