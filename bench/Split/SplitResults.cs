namespace Runnel.Bench;

/// <summary>The rounds of a run; round n of both ways was measured at about the same time.</summary>
internal sealed class SplitResults(QueueStore store)
{
    private readonly Dictionary<(string Part, SplitWay Way), List<SplitRound>> _rounds = [];
    private readonly Dictionary<SplitWay, List<SplitMemory>> _memory = [];

    /// <summary>What lay between the processes, for the report.</summary>
    public string Layer { get; } = store.BetweenNodes;

    /// <summary>The name of the layer's server; empty if there is none, or its CPU time is not known.</summary>
    public string Server => _rounds.Values.Any(rounds => rounds.Any(round => round.Server > 0)) ? store.Server : "";

    public IReadOnlyList<SplitRound> Rounds(string part, SplitWay way) => _rounds[(part, way)];

    public IReadOnlyList<SplitMemory> Memory(SplitWay way) => _memory[way];

    public void Add(string part, SplitWay way, SplitRound round)
    {
        if (!_rounds.TryGetValue((part, way), out var rounds))
            _rounds[(part, way)] = rounds = [];
        rounds.Add(round);
    }

    public void Add(SplitWay way, SplitMemory memory)
    {
        if (!_memory.TryGetValue(way, out var rounds))
            _memory[way] = rounds = [];
        rounds.Add(memory);
    }
}
