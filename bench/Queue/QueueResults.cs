namespace Runnel.Bench;

/// <summary>What the rounds gave, by the name of what was measured.</summary>
internal sealed class QueueResults
{
    private readonly Dictionary<string, List<Cost>> _costs = [];
    private readonly Dictionary<string, List<Lateness>> _lateness = [];

    public int Violations { get; set; }

    /// <summary>The scheme of the store's address.</summary>
    public string Scheme { get; init; } = "";

    /// <summary>What the store's promises stand on.</summary>
    public string Durability { get; init; } = "";

    /// <summary>The name of the store's server; empty if there is none.</summary>
    public string Server { get; init; } = "";

    /// <summary>The name of the peer; empty on a store that has none.</summary>
    public string PeerName { get; init; } = "";

    /// <summary>A sentence: what the peer is, or why it is left out. Empty on a store that has none.</summary>
    public string Peer { get; set; } = "";

    public void Add(string name, Cost cost) => Add(_costs, name, cost);

    public void Add(string name, Lateness lateness) => Add(_lateness, name, lateness);

    /// <summary>Of each round; empty if it was not measured.</summary>
    public IReadOnlyList<Cost> CostsOf(string name) => _costs.GetValueOrDefault(name) ?? [];

    /// <inheritdoc cref="CostsOf"/>
    public IReadOnlyList<Lateness> LatenessOf(string name) => _lateness.GetValueOrDefault(name) ?? [];

    private static void Add<T>(Dictionary<string, List<T>> results, string name, T figure)
    {
        if (!results.TryGetValue(name, out var rounds))
            results[name] = rounds = [];
        rounds.Add(figure);
    }
}
