using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>How late messages come that other processes have sent, though nobody knows by how much their clocks differ from this one.</summary>
/// <remarks>
/// The message of a sender that came soonest, by the sender's clock, within the last minute, came as late as any or less late: each other one is late by as much as it took longer, and perhaps by more,
/// but never by less. So what is taken off a delay is never too much, whatever the clocks say. Thread-safe.
/// </remarks>
internal sealed class SenderClocks
{
    // Clocks do not run alike: by this much they may come apart within two windows.
    private const long Doubt = 3_000;
    private const long Window = 30_000_000;
    private const int MostKept = 1_000;

    private readonly Dictionary<string, Sender> _senders = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>By how many microseconds a message comes too late, at least.</summary>
    /// <param name="by">Whose clock <paramref name="from"/> is read from.</param>
    /// <param name="from">When the message could have come at the earliest.</param>
    /// <param name="now">The time by this process's clock.</param>
    public long LatenessOf(string by, long from, long now)
    {
        var took = now - from;
        return Math.Max(0, by == ProcessClock.Id ? took : took - ShortestOf(by, took, now) - Doubt);
    }

    private long ShortestOf(string by, long took, long now)
    {
        lock (_lock)
        {
            if (!_senders.TryGetValue(by, out var sender))
            {
                Forget(now);
                sender = new Sender(took, took, now);
            }
            else if (now - sender.Since > Window)
            {
                sender = new Sender(now - sender.Since > 2 * Window ? took : sender.Shortest, took, now);
            }
            sender = sender with { Shortest = Math.Min(sender.Shortest, took) };
            _senders[by] = sender;
            return Math.Min(sender.ShortestBefore, sender.Shortest);
        }
    }

    private void Forget(long now)
    {
        if (_senders.Count < MostKept)
            return;
        foreach (var (by, sender) in _senders)
        {
            if (now - sender.Since > 2 * Window)
                _senders.Remove(by);
        }
    }

    private readonly record struct Sender(long ShortestBefore, long Shortest, long Since);
}
