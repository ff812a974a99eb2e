namespace Runnel.Redis.Receiving;

/// <summary>A message in a worker's hands: what the layer knows it by.</summary>
internal sealed class RedisClaim(WorkerChannel channel, string name, ReadOnlyMemory<byte> key)
{
    private int _isSettled;

    public WorkerChannel Channel => channel;

    /// <summary>Its field among the worker's claims: the number of the step, and its place there. No two claims have the same.</summary>
    public string Field => name;

    /// <summary>The name of its key; empty when it has none.</summary>
    public ReadOnlyMemory<byte> Key => key;

    /// <summary>Takes the right to settle it, which there is once.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _isSettled, 1) == 0;
}
