namespace Runnel.Bench;

/// <summary>What one client got, and what it was told: each publisher's numbers, one bit for each.</summary>
/// <remarks>A number is its publisher's, times a thousand million, and the place in that publisher's sequence, which begins with 1.</remarks>
internal sealed class Arrivals
{
    public const long NumbersPerPublisher = 1_000_000_000;

    private readonly Dictionary<long, Sequence> _sequences = [];

    /// <summary>Messages that came again.</summary>
    public long Doubled { get; private set; }

    /// <summary>Messages that came behind a later one of their publisher.</summary>
    public long OutOfOrder { get; private set; }

    /// <summary>How often the client was told that messages are missing.</summary>
    public long Tellings { get; private set; }

    public IEnumerable<long> Numbers => _sequences.SelectMany(entry => entry.Value.Places.Select(place => (entry.Key * NumbersPerPublisher) + place));

    public void Take(long number)
    {
        var (publisher, place) = Math.DivRem(number, NumbersPerPublisher);
        if (!_sequences.TryGetValue(publisher, out var sequence))
            _sequences[publisher] = sequence = new Sequence { Last = 0, WasTold = Tellings > 0 };
        switch (sequence.Take(place))
        {
            case Arrival.Again:
                Doubled++;
                break;
            case Arrival.Late:
                OutOfOrder++;
                break;
        }
    }

    /// <summary>The client is told that messages are missing here.</summary>
    public void Tell()
    {
        Tellings++;
        foreach (var sequence in _sequences.Values)
            sequence.WasTold = true;
    }

    public bool Has(long number) => _sequences.TryGetValue(number / NumbersPerPublisher, out var sequence) && sequence.Has(number % NumbersPerPublisher);

    /// <summary>Whether the client was told where a missing number should be.</summary>
    public bool KnowsOfLoss(long number) =>
        _sequences.TryGetValue(number / NumbersPerPublisher, out var sequence) ? sequence.KnowsOfLoss(number % NumbersPerPublisher) : Tellings > 0;

    private enum Arrival
    {
        InTurn,
        Late,
        Again,
    }

    private sealed class Sequence
    {
        private readonly List<(long From, long To)> _told = [];
        private ulong[] _bits = new ulong[4];

        public long Last { get; set; }

        public bool WasTold { get; set; }

        public IEnumerable<long> Places => Enumerable.Range(1, (int)Last).Select(static place => (long)place).Where(Has);

        public Arrival Take(long place)
        {
            if (Has(place))
                return Arrival.Again;
            var word = (int)(place / 64);
            if (word >= _bits.Length)
                Array.Resize(ref _bits, word * 2);
            _bits[word] |= 1UL << (int)(place % 64);
            if (place < Last)
                return Arrival.Late;
            if (WasTold && place > Last + 1)
                _told.Add((Last + 1, place - 1));
            (Last, WasTold) = (place, false);
            return Arrival.InTurn;
        }

        public bool Has(long place) => place / 64 < _bits.Length && (_bits[place / 64] & (1UL << (int)(place % 64))) != 0;

        public bool KnowsOfLoss(long place) => (WasTold && place > Last) || _told.Any(hole => place >= hole.From && place <= hole.To);
    }
}
