using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>Counts what went wrong, by kind.</summary>
internal sealed class Faults
{
    /// <summary>The most kinds that are told apart.</summary>
    public const int Most = 50;

    private readonly Lock _lock = new();
    private readonly Dictionary<(FaultKind, string), FaultCount> _counts = [];
    private long _total;

    public long Total => Volatile.Read(ref _total);

    public void Add(FaultException fault)
    {
        Interlocked.Increment(ref _total);
        lock (_lock)
        {
            var key = (fault.Kind, fault.Detail);
            if (!_counts.ContainsKey(key) && _counts.Count >= Most)
                key = (fault.Kind, "…");
            var before = _counts.GetValueOrDefault(key) ?? new FaultCount(fault.Kind, key.Item2, 0, fault.Message);
            _counts[key] = before with { Count = before.Count + 1 };
        }
    }

    /// <summary>The most frequent first.</summary>
    public IReadOnlyList<FaultCount> Read()
    {
        lock (_lock)
            return [.. _counts.Values.OrderByDescending(fault => fault.Count)];
    }
}
