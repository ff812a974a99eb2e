namespace Runnel.Bench;

/// <summary>Joins the group that the query names.</summary>
internal sealed class RecoveryConsumer(Membership members) : WebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync(Scope.Query("group")!, cancellationToken);
        members.Join();
    }

    public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        members.Leave();
        return Task.CompletedTask;
    }
}
