namespace Runnel.RabbitMQ.Receiving;

/// <summary>Notices that this process stood still, as one does that was stopped and goes on: its messages went to others meanwhile, though no connection says so yet.</summary>
internal sealed class Pulse : IDisposable
{
    private const int BeatsInLimit = 8;

    private readonly TimeSpan _limit;
    private readonly Action _stoodStill;
    private readonly ITimer _timer;
    private long _last = TimeProvider.System.GetTimestamp();

    public Pulse(TimeSpan limit, Action stoodStill)
    {
        (_limit, _stoodStill) = (limit, stoodStill);
        _timer = TimeProvider.System.CreateTimer(static state => ((Pulse)state!).Beat(), this, limit / BeatsInLimit, limit / BeatsInLimit);
    }

    /// <summary>Whether it has beaten lately.</summary>
    public bool IsBeating => TimeProvider.System.GetElapsedTime(Volatile.Read(ref _last)) < _limit;

    public void Dispose() => _timer.Dispose();

    private void Beat()
    {
        if (!IsBeating)
            _stoodStill();
        Volatile.Write(ref _last, TimeProvider.System.GetTimestamp());
    }
}
