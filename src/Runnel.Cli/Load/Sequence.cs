namespace Runnel.Cli.Load;

/// <summary>What one socket got of one publisher's messages, which are numbered from 1. It remembers what is missing, so that thousands of sockets cost little.</summary>
/// <remarks>One reads the socket; others may look meanwhile.</remarks>
internal sealed class Sequence
{
    /// <summary>The most holes that are remembered. The oldest ones beyond are only counted: a message that still comes there counts as doubled, and as lost.</summary>
    public const int MostHoles = 256;

    private readonly Lock _lock = new();
    private readonly List<Hole> _holes = [];
    private int _last;
    private int _toldUpTo;
    private (long Silent, long Told) _forgotten;

    /// <summary>The highest number that came.</summary>
    public int Last => Volatile.Read(ref _last);

    public Arrival Take(int number)
    {
        lock (_lock)
        {
            if (number <= _last)
                return TryFill(number) ? Arrival.Late : Arrival.Again;
            foreach (var hole in HolesBehind(number - 1))
                Open(hole);
            Volatile.Write(ref _last, number);
            return Arrival.InTurn;
        }
    }

    /// <summary>Behind the highest number, the client knows that it does not get what comes up to this one; or it is the highest number itself.</summary>
    public int KnownUpTo => Math.Max(Last, Volatile.Read(ref _toldUpTo));

    /// <summary>The client is told that messages are missing here.</summary>
    /// <param name="upTo">The last message that was sent before it was told.</param>
    public void Tell(int upTo)
    {
        lock (_lock)
            Volatile.Write(ref _toldUpTo, upTo);
    }

    /// <summary>What is missing, up to a number.</summary>
    /// <param name="owed">The number of the last message that should have come.</param>
    /// <returns>The holes, and how many numbers are missing in those that are no longer remembered.</returns>
    public (IReadOnlyList<Hole> Holes, long Silent, long Told) MissingUpTo(int owed)
    {
        lock (_lock)
            return ([.. _holes, .. HolesBehind(owed)], _forgotten.Silent, _forgotten.Told);
    }

    private IEnumerable<Hole> HolesBehind(int end)
    {
        var told = Math.Min(_toldUpTo, end);
        if (told > _last)
            yield return new Hole(_last + 1, told, IsTold: true);
        if (end > Math.Max(told, _last))
            yield return new Hole(Math.Max(told, _last) + 1, end, IsTold: false);
    }

    private void Open(Hole hole)
    {
        if (_holes.Count == MostHoles)
        {
            var oldest = _holes[0];
            var length = oldest.To - oldest.From + 1;
            _forgotten = oldest.IsTold ? (_forgotten.Silent, _forgotten.Told + length) : (_forgotten.Silent + length, _forgotten.Told);
            _holes.RemoveAt(0);
        }
        _holes.Add(hole);
    }

    private bool TryFill(int number)
    {
        var index = _holes.FindIndex(hole => number >= hole.From && number <= hole.To);
        if (index < 0)
            return false;
        var hole = _holes[index];
        _holes.RemoveAt(index);
        if (number < hole.To)
            _holes.Insert(index, hole with { From = number + 1 });
        if (number > hole.From)
            _holes.Insert(index, hole with { To = number - 1 });
        return true;
    }
}
