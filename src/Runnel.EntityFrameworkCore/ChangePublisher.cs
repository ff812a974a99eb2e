using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Runnel.EntityFrameworkCore;

/// <summary>Sends committed changes to their groups, one after another, and never fails its caller: the data is committed.</summary>
internal sealed class ChangePublisher(IServiceProvider services, ILogger<ChangePublisher> logger)
{
    // Asked for by the first change and not with the context: an application makes its tables before the command line has named the layer.
    private IGroups Groups => field ??= services.GetRequiredService<IGroups>();

    // Takes no token: the data is committed whether or not somebody still waits for it.
    public static async Task PublishAsync(IReadOnlyList<OutgoingChange> changes)
    {
        foreach (var outgoing in changes)
            await outgoing.Publisher.PublishAsync(outgoing);
    }

    // Who saves or commits synchronously waits synchronously; ASP.NET Core has no synchronization context to block.
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
        }
    }
}
