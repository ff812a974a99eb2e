using Runnel.Layers;

namespace Runnel.InMemory.Stored;

/// <summary>What a channel knows of a worker that claims from it.</summary>
internal sealed class LeaseState
{
    private volatile bool _disposed;
    private int _ended;

    public string WorkerId { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Whether it may still claim; looked at under a channel's lock, after which the end of the lease visits that channel.</summary>
    public bool IsHeld => Volatile.Read(ref _ended) == 0;

    /// <summary>The worker leaves.</summary>
    /// <returns>Whether it was still there.</returns>
    public bool TryDispose()
    {
        _disposed = true;
        return TryLose();
    }

    /// <summary>The worker has died.</summary>
    /// <returns>Whether it was still there.</returns>
    public bool TryLose() => Interlocked.Exchange(ref _ended, 1) == 0;

    /// <summary>What a receive throws after the end.</summary>
    public Exception Ended() => _disposed ? new ObjectDisposedException(nameof(IWorkReceiver)) : new LeaseLostException(WorkerId);
}
