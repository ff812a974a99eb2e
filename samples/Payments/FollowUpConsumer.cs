using Runnel.Workers;

namespace Payments;

/// <summary>Asks the gateway whether a charge is settled, and comes back until it is.</summary>
internal sealed class FollowUpConsumer(OrderStore orders, Gateway gateway, OrderNews news) : ChannelConsumer<FollowUp>
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(400);

    public override async Task OnMessageAsync(FollowUp message, JobContext job, CancellationToken cancellationToken)
    {
        if (await gateway.IsSettledAsync(message.OrderId, cancellationToken))
            await news.PublishAsync(await orders.SettledAsync(message.OrderId), cancellationToken);
        else
            job.Reschedule(Pause);
    }
}
