namespace Runnel.Redis.Receiving;

/// <summary>Since when a worker has been heard from without a break, and so whom it may take for dead.</summary>
/// <remarks>
/// When Redis was away, stood still, refused to write, or had its clock set, leases end whose workers live. Whoever notices any of that judges nobody
/// for as long as a lease: by then all who live have been heard from. For the heart's thread. All times are microseconds of the server's clock.
/// </remarks>
internal sealed class RedisPulse(TimeSpan lease)
{
    private const long Never = long.MaxValue;

    private (long Now, long Sent)? _last;
    private bool _wasBroken;

    /// <summary>Since when.</summary>
    public long Since { get; private set; } = Never;

    /// <summary>Whoever's lease ended at this time or later is dead, until it has been heard from for as long as a lease; then, whoever's lease has ended is.</summary>
    public long DeadFrom { get; private set; } = Never;

    /// <summary>It was not heard from, or not in time.</summary>
    public void Break() => (Since, DeadFrom, _last, _wasBroken) = (Never, Never, null, true);

    /// <summary>It was heard from.</summary>
    /// <param name="now">When, by the server's clock.</param>
    /// <param name="sent">When it was sent, as a timestamp of the system's clock.</param>
    /// <returns>Whether what the server said of other workers holds.</returns>
    public bool Beat(long now, long sent)
    {
        // Between two beats as much time passes there as here, unless the later one had to wait, or the clock was set.
        var isInTime = _last is not { } last
            || (TimeSpan.FromMicroseconds(now - last.Now) - TimeProvider.System.GetElapsedTime(last.Sent, sent)).Duration() <= lease / 2;
        if (!isInTime)
            Break();
        if (Since == Never)
            (Since, DeadFrom) = (now, _wasBroken ? Never : now);
        (_last, _wasBroken) = ((now, sent), false);
        return isInTime;
    }
}
