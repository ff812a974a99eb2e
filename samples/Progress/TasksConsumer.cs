using Runnel;
using Runnel.Layers;
using Runnel.Workers;

namespace Progress;

/// <summary>One open page: one socket that follows all recent tasks of its visitor.</summary>
/// <remarks>A job's states are messages to its group, <c>job.&lt;id&gt;</c>: once the page is in it, they go straight to its socket.</remarks>
internal sealed class TasksConsumer(RecentTasks tasks) : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);

        // Join first, read second, so that nothing falls into a gap; what comes twice the page tells by its time.
        var visitor = Visitor.Of(Scope.User);
        var hasRecovered = await JoinAsync(RecentTasks.GroupOf(visitor), cancellationToken);
        var latest = await tasks.ListAsync(visitor, cancellationToken);
        foreach (var id in latest)
            hasRecovered &= await JoinAsync(JobStatus.GroupOf(id), cancellationToken);

        // A page that comes back and has missed nothing gets what was sent meanwhile by itself.
        if (!hasRecovered)
            await SendJsonAsync(new { action = "snapshot", data = await tasks.StatesAsync(latest, cancellationToken) }, cancellationToken);
    }

    /// <summary>Another worker had this page. It is still in its groups, and this consumer needs nothing else.</summary>
    public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<bool> JoinAsync(GroupName group, CancellationToken cancellationToken) =>
        (await Groups.AddAsync(group, cancellationToken)).Outcome is JoinOutcome.Recovered;

    [Handles(RecentTasks.Added)]
    public async Task OnAddedAsync(TaskAdded added, CancellationToken cancellationToken)
    {
        if (!MessageId.TryParse(added.Id, out var id))
            return;
        await Groups.AddAsync(JobStatus.GroupOf(id), cancellationToken);
        foreach (var state in await tasks.StatesAsync([id], cancellationToken))
            await SendJsonAsync(state, cancellationToken);
    }
}
