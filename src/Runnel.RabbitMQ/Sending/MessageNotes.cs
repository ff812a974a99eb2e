using System.Collections.Concurrent;
using System.Globalization;
using RabbitMQ.Client;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>What becomes of messages with a key while a worker holds them: such a message stays as it is in its queue, and the broker counts whatever brings it back as it counts a death.</summary>
/// <remarks>
/// A log on the broker, which forgets after a week. A note is written before the message can come back: when it is handed out after a death, when it has failed, and when its worker leaves. Lines:
/// <code>
/// 0199aa00000070008000000000000000 2 1 3
/// </code>
/// are the message's id, and what a <see cref="MessageNote"/> holds.
/// </remarks>
internal sealed class MessageNotes
{
    // Far more than can be in workers' hands.
    private const int MostKept = 100_000;

    private readonly SharedLog _log;
    private readonly ConcurrentDictionary<MessageId, MessageNote> _notes = new();
    private readonly ConcurrentQueue<MessageId> _order = new();

    public MessageNotes(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, QueuePlan plan) => _log = new SharedLog(broker, sender, topology, plan.Notes, Read);

    /// <inheritdoc cref="SharedLog.ReadAsync"/>
    public Task ReadAsync(IConnection connection, CancellationToken cancellationToken) => _log.ReadAsync(connection, cancellationToken);

    /// <summary>Ends when all that was written before is known here.</summary>
    public Task CatchUpAsync() => _log.CatchUpAsync();

    /// <summary>The last that was written of a message.</summary>
    public MessageNote? Find(MessageId id) => _notes.TryGetValue(id, out var note) ? note : null;

    /// <summary>Writes what is known of messages.</summary>
    public Task WriteAsync(IEnumerable<(MessageId Id, MessageNote Note)> notes) =>
        _log.WriteAsync(string.Join('\n', notes.Select(static each => string.Create(CultureInfo.InvariantCulture, $"{each.Id} {each.Note.Returns} {each.Note.Crashes} {each.Note.Attempts}"))));

    private void Read(string[] words)
    {
        if (words is not [var name, var returns, var crashes, var attempts] || !MessageId.TryParse(name, out var id))
            return;
        if (!_notes.ContainsKey(id))
            _order.Enqueue(id);
        _notes[id] = new(long.Parse(returns, CultureInfo.InvariantCulture), int.Parse(crashes, CultureInfo.InvariantCulture), int.Parse(attempts, CultureInfo.InvariantCulture));
        if (_order.Count > MostKept && _order.TryDequeue(out var oldest))
            _notes.TryRemove(oldest, out _);
    }
}
