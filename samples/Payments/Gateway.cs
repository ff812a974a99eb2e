using System.Globalization;

namespace Payments;

/// <summary>A payment gateway as one meets them: slow, not always there, and honest about what it has charged. Simulated.</summary>
/// <remarks>
/// The nonce says how it behaves: <c>ok</c>; <c>declined</c>; <c>flaky-N</c>, N time-outs and then well; <c>poison</c>, an error every time.
/// An order is charged once, however often it is asked to: the order's id is the idempotency key.
/// </remarks>
internal sealed class Gateway(Ledger ledger, TimeProvider clock)
{
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(800);

    /// <summary>Charges an order.</summary>
    /// <param name="order">The order; the gateway believes its count of attempts, so that flakiness outlives a process.</param>
    /// <param name="cancellationToken">Ends the wait; the charge may have happened.</param>
    /// <returns>The transaction; <see langword="null"/> when the payment is declined.</returns>
    /// <exception cref="TimeoutException">The gateway did not answer. Whether it charged, it does not say.</exception>
    public async Task<string?> ChargeAsync(Order order, CancellationToken cancellationToken)
    {
        await Task.Delay(Latency, clock, cancellationToken);
        var timeouts = TimeoutsOf(order.Nonce);
        if (order.Nonce == "poison")
            throw new InvalidOperationException("The gateway chokes on this nonce.");
        if (order.Nonce != "ok" && timeouts is null)
            return null;
        if (order.Attempts < timeouts)
            throw new TimeoutException("The gateway did not answer in time.");

        var charge = await ledger.ChargeAsync(order.Id, order.Total, cancellationToken);
        // The worst of all cases: the last time-out comes after the charge. Only the idempotency key keeps the next attempt from charging again.
        return order.Attempts == timeouts ? throw new TimeoutException("The gateway did not answer in time.") : charge.TransactionId;
    }

    /// <summary>Whether a charge is settled with the bank.</summary>
    public async Task<bool> IsSettledAsync(string orderId, CancellationToken cancellationToken) =>
        await ledger.FindAsync(orderId, cancellationToken) is { } charge && clock.GetUtcNow() - charge.At >= Settling;

    private static int? TimeoutsOf(string nonce) =>
        nonce.StartsWith("flaky-", StringComparison.Ordinal) && int.TryParse(nonce.AsSpan("flaky-".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;
}
