namespace Runnel.Bench;

/// <summary>The rounds of a run, by target and rate.</summary>
internal sealed class ScaleOutResults(QueueStore store, IReadOnlyList<string> targets)
{
    private readonly Dictionary<(string Target, int Rate), List<ScaleOutRound>> _rounds = [];

    /// <summary>What lay between the nodes, for the report.</summary>
    public string Layer { get; } = store.BetweenNodes;

    /// <summary><c>redis</c>, <c>amqp</c> or <c>sqlite</c>.</summary>
    public string Scheme { get; } = store.Scheme;

    /// <summary>The name of the layer's server; empty if there is none, or its CPU time is not known.</summary>
    public string Server => _rounds.Values.Any(rounds => rounds.Any(round => round.Server > 0)) ? store.Server : "";

    public IReadOnlyList<string> Targets { get; } = targets;

    public IReadOnlyList<ScaleOutRound> this[string target, int rate] => _rounds[(target, rate)];

    public void Add(string target, int rate, ScaleOutRound round)
    {
        if (!_rounds.TryGetValue((target, rate), out var rounds))
            _rounds[(target, rate)] = rounds = [];
        rounds.Add(round);
    }
}
