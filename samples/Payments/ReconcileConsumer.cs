using System.Text.Json;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.Layers;
using Runnel.Workers;

namespace Payments;

/// <summary>Finds orders that nobody is at: the process died between writing the order and sending its message, say. Queues them again.</summary>
/// <remarks>An order whose message is a dead letter waits for a person, and is only marked so.</remarks>
internal sealed partial class ReconcileConsumer(
    OrderStore orders, Payment payment, OrderNews news, IWorkQueueOperator queue, IOptions<PaymentsOptions> options, TimeProvider clock, ILogger<ReconcileConsumer> logger)
    : ChannelConsumer<Reconcile>
{
    private const int Most = 1000;

    public override async Task OnMessageAsync(Reconcile message, JobContext job, CancellationToken cancellationToken)
    {
        foreach (var letter in await queue.ListDeadLettersAsync(Payment.Payments, DeadLetterFilter.All, Most, cancellationToken))
        {
            if (OrderOf(letter) is { } id)
                await news.PublishAsync(await orders.BuryAsync(id, letter.Error?.Split('\n')[0], letter.At), cancellationToken);
        }
        foreach (var order in await orders.ListForgottenAsync(clock.GetUtcNow() - options.Value.ForgottenAfter, Most))
        {
            if (await payment.BeginAgainAsync(order, cancellationToken))
                QueuedAgain(logger, order.Id, order.State);
        }
    }

    private static string? OrderOf(DeadLetter letter) => letter.Envelope.Message.Type == MessageTypeAttribute.NameOf(typeof(Charge))
        ? JsonSerializer.Deserialize<Charge>(letter.Envelope.Message.Body.Span, JsonSerializerOptions.Web)?.OrderId
        : null;

    [LoggerMessage(LogLevel.Warning, "Order {Order} was forgotten while it was {State}: it is queued again.")]
    private static partial void QueuedAgain(ILogger logger, string order, OrderState state);
}
