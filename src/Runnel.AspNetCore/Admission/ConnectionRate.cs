namespace Runnel.AspNetCore.Admission;

/// <summary>A token bucket for new connections, which holds those of one second. Thread-safe.</summary>
/// <param name="perSecond">How many may come in a second.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class ConnectionRate(int perSecond, TimeProvider timeProvider)
{
    private readonly Lock _lock = new();
    private double _left = perSecond;
    private long _at = timeProvider.GetTimestamp();

    /// <summary>Takes one.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryTake()
    {
        lock (_lock)
        {
            var now = timeProvider.GetTimestamp();
            _left = Math.Min(perSecond, _left + (timeProvider.GetElapsedTime(_at, now).TotalSeconds * perSecond));
            _at = now;
            if (_left < 1)
                return false;
            _left--;
            return true;
        }
    }
}
