namespace Runnel.Bench;

/// <summary>The rounds of a run, by target and rate.</summary>
internal sealed class ScaleOutResults(string layer, IReadOnlyList<string> targets)
{
    private readonly Dictionary<(string Target, int Rate), List<ScaleOutRound>> _rounds = [];

    /// <summary>What lay between the nodes, for the report.</summary>
    public string Layer { get; } = layer;

    public IReadOnlyList<string> Targets { get; } = targets;

    public bool HasRedis => _rounds.Values.Any(rounds => rounds.Any(round => round.Redis > 0));

    public IReadOnlyList<ScaleOutRound> this[string target, int rate] => _rounds[(target, rate)];

    public void Add(string target, int rate, ScaleOutRound round)
    {
        if (!_rounds.TryGetValue((target, rate), out var rounds))
            _rounds[(target, rate)] = rounds = [];
        rounds.Add(round);
    }
}
