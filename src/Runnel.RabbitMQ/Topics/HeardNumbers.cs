namespace Runnel.RabbitMQ.Topics;

/// <summary>Notices which messages of a topic are missing, by the numbers that their publishers gave them. Not thread-safe.</summary>
internal sealed class HeardNumbers
{
    private const int MostPublishers = 256;

    private readonly Dictionary<long, long> _last = [];

    /// <summary>Takes a message's number.</summary>
    /// <returns>Whether messages of that publisher are missing before it, or, of one that only tells the count, up to it.</returns>
    public bool IsGapBefore(in HeardMessage message)
    {
        if (message.Publisher == 0)
            return false;
        if (_last.Count >= MostPublishers && !_last.ContainsKey(message.Publisher))
            _last.Clear();
        var isKnown = _last.TryGetValue(message.Publisher, out var last);
        _last[message.Publisher] = Math.Max(last, message.Number);
        return isKnown && message.Number > (message.Payload is null ? last : last + 1);
    }

    /// <summary>What was heard before does not count any more: the node was cut off, and that was told.</summary>
    public void Forget() => _last.Clear();
}
