namespace Runnel.Bench;

/// <summary>The rounds of a run, by target and pace; round n of every target was measured at about the same time.</summary>
internal sealed class FanoutResults
{
    private readonly Dictionary<(string Target, Pace Pace), List<FanoutRound>> _rounds = [];

    public IReadOnlyList<FanoutRound> this[string target, Pace pace] => _rounds[(target, pace)];

    public void Add(string target, Pace pace, FanoutRound round)
    {
        if (!_rounds.TryGetValue((target, pace), out var rounds))
            _rounds[(target, pace)] = rounds = [];
        rounds.Add(round);
    }
}
