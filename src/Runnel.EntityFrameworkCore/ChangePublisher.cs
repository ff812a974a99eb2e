using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.EntityFrameworkCore;

/// <summary>Sends committed changes to their groups, and never fails its caller, or holds it up for long: the data is committed.</summary>
internal sealed class ChangePublisher(IServiceProvider services, LostChanges lost, IOptions<DataBindingOptions> options, ILogger<ChangePublisher> logger)
{
    // Asked for by the first change and not with the context: an application makes its tables before the command line has named the layer.
    private IGroups Groups => field ??= services.GetRequiredService<IGroups>();

    // Takes no token: the data is committed whether or not somebody still waits for it.
    public static async Task PublishAsync(IReadOnlyList<OutgoingChange> changes)
    {
        if (changes.Count == 0)
            return;
        // The layer keeps the order in which it gets them. Waiting for each before the next would take as many trips as there are changes.
        var sending = Task.WhenAll(changes.Select(static outgoing => outgoing.Publisher.PublishAsync(outgoing)).ToList());
        await changes[0].Publisher.WaitAsync(sending, changes.Count);
    }

    // A synchronous save or commit waits synchronously; ASP.NET Core has no synchronization context to block.
    public static void Publish(IReadOnlyList<OutgoingChange> changes) => PublishAsync(changes).GetAwaiter().GetResult();

    public void NotSent(Exception exception, string action, string model)
    {
        BindingMetrics.Failed(model);
        Log.CaptureFailed(logger, exception, action, model);
    }

    public static void Abandon(IReadOnlyList<OutgoingChange> changes, string why)
    {
        foreach (var outgoing in changes)
            outgoing.Publisher.Abandon(outgoing, why);
    }

    private void Abandon(OutgoingChange outgoing, string why)
    {
        var (_, group, change) = outgoing;
        BindingMetrics.Failed(change.Model);
        Log.Abandoned(logger, change.Action, change.Model, change.PrimaryKey.ToString(), group.Value, why);
    }

    private async Task WaitAsync(Task sending, int count)
    {
        var limit = options.Value.MaxSaveDelay;
        if (limit == TimeSpan.Zero)
            return; // as the application wants it; what fails is logged
        try
        {
            // By the system's clock: it is somebody's request that waits.
            await sending.WaitAsync(limit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            Log.StillSending(logger, count, limit);
        }
    }

    private async Task PublishAsync(OutgoingChange outgoing)
    {
        var (_, group, change) = outgoing;
        try
        {
            await Groups.SendJsonAsync(group, change, CancellationToken.None);
            BindingMetrics.Sent(change.Model);
        }
        catch (Exception exception)
        {
            BindingMetrics.Failed(change.Model);
            Log.PublishFailed(logger, exception, change.Action, change.Model, change.PrimaryKey.ToString(), group.Value);
            // What cannot be sent at all would send the members away at each save.
            if (exception is BackplaneUnavailableException)
                lost.Add(group);
        }
    }
}
