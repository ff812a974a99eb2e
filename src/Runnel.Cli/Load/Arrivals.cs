namespace Runnel.Cli.Load;

/// <summary>What one socket got, of all publishers that it hears.</summary>
internal sealed class Arrivals
{
    private readonly int _firstPublisher;
    private readonly Sequence[] _sequences;

    private Arrivals(int firstPublisher, int publishers)
    {
        _firstPublisher = firstPublisher;
        _sequences = [.. Enumerable.Range(0, publishers).Select(_ => new Sequence())];
    }

    /// <summary>Of every publisher.</summary>
    public static Arrivals OfAll(int publishers) => new(0, publishers);

    /// <summary>Only of what the socket sent itself.</summary>
    public static Arrivals OfOwn(int publisher) => new(publisher, 1);

    /// <summary>Each publisher that the socket hears, and what came of it.</summary>
    public IEnumerable<(int Publisher, Sequence Sequence)> Sequences => _sequences.Select((sequence, index) => (_firstPublisher + index, sequence));

    /// <summary>Whether a message of this run ever came.</summary>
    public bool HasAny { get; set; }

    /// <summary>The sequence of a publisher, if the socket hears it.</summary>
    public Sequence? Of(int publisher) => publisher >= _firstPublisher && publisher - _firstPublisher < _sequences.Length ? _sequences[publisher - _firstPublisher] : null;

    /// <summary>The client is told that messages are missing.</summary>
    public void Tell(SentMessages sent)
    {
        for (var i = 0; i < _sequences.Length; i++)
            _sequences[i].Tell(sent.LastSent(_firstPublisher + i));
    }

    /// <summary>Whether the last message of each publisher came, or the client was told that it does not.</summary>
    public bool HasLastOf(SentMessages sent)
    {
        for (var i = 0; i < _sequences.Length; i++)
        {
            if (_sequences[i].KnownUpTo < sent.LastConfirmed(_firstPublisher + i))
                return false;
        }
        return true;
    }

    /// <summary>Whether everything came that certainly should, but for what the client was told of.</summary>
    public bool HasAllOf(SentMessages sent)
    {
        for (var i = 0; i < _sequences.Length; i++)
        {
            var publisher = _firstPublisher + i;
            if (_sequences[i].MissingUpTo(sent.LastConfirmed(publisher)).Holes.Any(hole => !hole.IsTold && sent.CountOwed(publisher, hole) > 0))
                return false;
        }
        return true;
    }
}
