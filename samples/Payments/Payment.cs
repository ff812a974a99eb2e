using Runnel;

namespace Payments;

/// <summary>Puts an order's messages on their channels.</summary>
/// <remarks>Messages of one order have one key, so no two workers are ever at the same order.</remarks>
internal sealed class Payment(IChannels channels)
{
    public const string Payments = "payments";
    public const string Status = "payment-status";

    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(400);

    /// <summary>Has the order charged; asking twice for the same nonce is asking once.</summary>
    public async Task BeginAsync(Order order, CancellationToken cancellationToken) => await channels.SendAsync(
        Payments, new Charge(order.Id), new SendOptions { Key = order.Id, DeduplicationId = $"pay:{order.Id}:{order.Revision}" }, cancellationToken);

    /// <summary>Has a forgotten order taken up again: one copy a minute, however often it is found.</summary>
    public async Task<bool> BeginAgainAsync(Order order, CancellationToken cancellationToken)
    {
        var sent = await channels.SendAsync(
            Payments,
            new Charge(order.Id),
            new SendOptions { Key = order.Id, DeduplicationId = $"again:{order.Id}:{order.Revision}", DeduplicationWindow = TimeSpan.FromMinutes(1) },
            cancellationToken);
        return !sent.IsDuplicate;
    }

    /// <summary>Has the charge followed up until it is settled.</summary>
    public async Task FollowUpAsync(Order order, CancellationToken cancellationToken) => await channels.SendAsync(
        Status,
        new FollowUp(order.Id),
        new SendOptions { Delay = FirstLook, Key = order.Id, DeduplicationId = $"follow-up:{order.TransactionId}", DeduplicationWindow = TimeSpan.FromMinutes(1) },
        cancellationToken);
}
