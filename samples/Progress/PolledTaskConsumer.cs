using Runnel.Workers;

namespace Progress;

/// <summary>Follows work that somebody else does: asks, reports, and comes back in half a second until it is complete.</summary>
/// <remarks>In between nothing waits here, no thread and no task: the message rests in the layer, and survives whatever happens to this process.</remarks>
internal sealed class PolledTaskConsumer(BackendClient backend) : ChannelConsumer<PolledTask>
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public override async Task OnMessageAsync(PolledTask message, JobContext job, CancellationToken cancellationToken)
    {
        var ticket = message.Ticket ?? await backend.StartAsync(message.Backend, message.Seconds, cancellationToken);
        var done = await backend.ProgressAsync(message.Backend, ticket, cancellationToken);
        await job.ReportAsync(done, done < 1 ? "The backend service is at it" : "The backend service is done");
        if (done < 1)
            job.Reschedule(Pause, message with { Ticket = ticket });
    }
}
