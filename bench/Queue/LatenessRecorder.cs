namespace Runnel.Bench;

/// <summary>Takes down how late messages come. Thread-safe.</summary>
internal sealed class LatenessRecorder
{
    private readonly Lock _lock = new();
    private readonly LatencyHistogram _late = new();
    private TimeSpan _max;
    private int _early;

    public void Record(TimeSpan lateness)
    {
        lock (_lock)
        {
            _late.Record((long)lateness.TotalNanoseconds);
            _max = lateness > _max ? lateness : _max;
            if (lateness < TimeSpan.Zero)
                _early++;
        }
    }

    public Lateness Result
    {
        get
        {
            lock (_lock)
                return new(_late.PercentileInMilliseconds(50), _late.PercentileInMilliseconds(99), _max.TotalMilliseconds, _early);
        }
    }
}
