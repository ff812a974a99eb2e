using Runnel.Workers;

namespace Payments;

/// <summary>Charges an order at the gateway. Whatever it was that a crash interrupted, the next attempt finds it and goes on there.</summary>
internal sealed class ChargeConsumer(OrderStore orders, Gateway gateway, Payment payment, OrderNews news, ChannelRegistry channels) : ChannelConsumer<Charge>
{
    public override async Task OnMessageAsync(Charge message, JobContext job, CancellationToken cancellationToken)
    {
        if (await orders.BeginAttemptAsync(message.OrderId) is { } order)
            await ChargeAsync(order, job, cancellationToken);

        // Also when it was charged already: perhaps the crash was just before this.
        if (await orders.FindAsync(message.OrderId) is { State: OrderState.Settling } charged)
            await payment.FollowUpAsync(charged, cancellationToken);
    }

    private async Task ChargeAsync(Order order, JobContext job, CancellationToken cancellationToken)
    {
        await news.PublishAsync(order, cancellationToken);
        try
        {
            var transaction = await gateway.ChargeAsync(order, cancellationToken);
            await news.PublishAsync(
                transaction is null ? await orders.DeclineAsync(order.Id, "The gateway declined the payment.") : await orders.ChargedAsync(order.Id, transaction), cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The order says so for people; that it is tried again or put aside is the channel's business.
            var isLast = job.Attempt >= channels.OptionsOf(job.Channel).Retry.MaxAttempts;
            await news.PublishAsync(await orders.FailAsync(order.Id, exception.Message, isLast), cancellationToken);
            throw;
        }
    }
}
