namespace Runnel.Cli.Load;

/// <summary>When each message is due: so many a second, whether or not those before have gone out, because users do not wait for one another.</summary>
/// <remarks>
/// A message that goes out late counts from when it was due, so that a server's stall cannot hide behind messages that were not sent meanwhile ("coordinated omission").
/// Only the grain of this machine's timers does not count, which is no server's fault.
/// </remarks>
internal sealed class Pace(double perSecond, TimeSpan duration, TimeProvider clock)
{
    /// <summary>How late a timer may be without counting.</summary>
    public static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(2);

    /// <summary>How far behind its time a sender may be at the end, unless a test says otherwise.</summary>
    public static readonly TimeSpan UsualSlack = TimeSpan.FromSeconds(1);

    private readonly long _start = clock.GetTimestamp();

    /// <summary>How far behind its time a sender may be at the end.</summary>
    public TimeSpan Slack { get; init; } = UsualSlack;

    /// <summary>Whether the time for sending is over.</summary>
    public bool IsOver => clock.GetElapsedTime(_start) >= duration + Slack;

    /// <summary>Waits until a message is due.</summary>
    /// <param name="index">The message's place among all, from 0.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>From when its latency counts.</returns>
    public async ValueTask<long> WaitAsync(long index, CancellationToken cancellationToken)
    {
        var due = _start + (long)(index / perSecond * clock.TimestampFrequency);
        var early = clock.GetElapsedTime(clock.GetTimestamp(), due);
        if (early <= TimeSpan.Zero)
            return due;
        await Task.Delay(early, clock, cancellationToken);
        var now = clock.GetTimestamp();
        return clock.GetElapsedTime(due, now) <= Grain ? now : due;
    }
}
