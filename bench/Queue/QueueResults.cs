namespace Runnel.Bench;

/// <summary>What the rounds gave, by the name of what was measured.</summary>
internal sealed class QueueResults
{
    private readonly Dictionary<string, List<Cost>> _costs = [];
    private readonly Dictionary<string, List<Lateness>> _lateness = [];

    public int Violations { get; set; }

    /// <summary>What the store's promises stand on.</summary>
    public string Durability { get; init; } = "";

    public void Add(string name, Cost cost) => Add(_costs, name, cost);

    public void Add(string name, Lateness lateness) => Add(_lateness, name, lateness);

    public IReadOnlyList<Cost> CostsOf(string name) => _costs[name];

    public IReadOnlyList<Lateness> LatenessOf(string name) => _lateness[name];

    private static void Add<T>(Dictionary<string, List<T>> results, string name, T figure)
    {
        if (!results.TryGetValue(name, out var rounds))
            results[name] = rounds = [];
        rounds.Add(figure);
    }
}
