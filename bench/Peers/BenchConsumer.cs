using Runnel.Layers;

namespace Runnel.Bench;

internal sealed class BenchConsumer(Membership members) : WebSocketConsumer
{
    public static readonly GroupName Group = new("bench");

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync(Group, cancellationToken);
        members.Join();
    }

    public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        members.Leave();
        return Task.CompletedTask;
    }
}
