using Microsoft.AspNetCore.SignalR;

namespace Runnel.Bench;

internal sealed class BenchHub(Membership members) : Hub
{
    public const string GroupName = "bench";

    public override async Task OnConnectedAsync()
    {
        await Groups.AddToGroupAsync(Context.ConnectionId, GroupName);
        members.Join();
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        members.Leave();
        return Task.CompletedTask;
    }
}
