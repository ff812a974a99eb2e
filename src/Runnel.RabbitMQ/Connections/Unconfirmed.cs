namespace Runnel.RabbitMQ.Connections;

/// <summary>What was sent on one channel and is not confirmed yet, by the numbers that the broker counts them by. Not thread-safe.</summary>
internal sealed class Unconfirmed
{
    private readonly Dictionary<ulong, PendingPublication> _byNumber = [];
    private ulong _lowest = 1;
    private ulong _next = 1;

    public int Count => _byNumber.Count;

    /// <summary>Whether its channel is closed: nothing that is added would be answered for.</summary>
    public bool IsClosed { get; private set; }

    public void Add(PendingPublication publication) => _byNumber.Add(_next++, publication);

    /// <summary>The broker has answered for the last message that was added, or for all up to a number.</summary>
    /// <returns>Those that it answered for, in their order.</returns>
    public IEnumerable<PendingPublication> Take(ulong number, bool isMultiple)
    {
        for (var at = isMultiple ? _lowest : number; at <= number; at++)
        {
            if (_byNumber.Remove(at, out var publication))
                yield return publication;
        }
        while (_lowest < _next && !_byNumber.ContainsKey(_lowest))
            _lowest++;
    }

    /// <summary>The channel is closed.</summary>
    /// <returns>What is left.</returns>
    public List<PendingPublication> Close()
    {
        IsClosed = true;
        List<PendingPublication> all = [.. _byNumber.OrderBy(static one => one.Key).Select(static one => one.Value)];
        _byNumber.Clear();
        return all;
    }

    /// <summary>The message that has come back.</summary>
    public PendingPublication? Find(string? messageId) =>
        messageId is null ? null : _byNumber.Values.FirstOrDefault(publication => publication.IsMandatory && publication.Properties.MessageId == messageId);

    /// <summary>Those whose senders have stopped waiting; the broker may answer for them yet.</summary>
    public IEnumerable<PendingPublication> Overdue(long now) => _byNumber.Values.Where(publication => publication.Deadline <= now && !publication.IsDone);
}
