using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>What becomes of messages with a key while a worker holds them: such a message stays as it is in its queue, and the broker counts whatever brings it back as it counts a death.</summary>
/// <remarks>
/// A log on the broker, which forgets after a week. A note is written before the message can come back: when it is handed out after a death, when it has failed, and when its worker leaves. Lines:
/// <code>
/// 0199aa00000070008000000000000000 2 1 3
/// </code>
/// are the message's id, and what a <see cref="MessageNote"/> holds. When its worker leaves, and it has a body of its own for the next attempt or waits for that, a second line has
/// the message as it is then (Base64 of its envelope), or a dash when it is again what its queue has. Zeros and a dash are written when it becomes a dead letter. What cannot be
/// read is passed over, since a line stays there for a week.
/// </remarks>
internal sealed class MessageNotes
{
    // Far more than can be in workers' hands.
    private const int MostKept = 100_000;
    private const long MostChangedBytes = 64L * 1024 * 1024;
    private const int LongestId = 64;
    private const string Unchanged = "-";

    private readonly SharedLog _log;
    private readonly MessageMemory<byte[]> _changed = new(MostChangedBytes, static bytes => bytes.Length);
    private readonly MessageMemory<MessageNote> _notes = new(MostKept, static _ => 1);
    private readonly RabbitMQBroker _broker;

    public MessageNotes(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, QueuePlan plan) => (_broker, _log) = (broker, new SharedLog(broker, sender, topology, plan.Notes, Read));

    /// <inheritdoc cref="SharedLog.ReadAsync"/>
    public Task ReadAsync(IConnection connection, CancellationToken cancellationToken) => _log.ReadAsync(connection, cancellationToken);

    /// <summary>Ends when all that was written before is known here.</summary>
    public Task CatchUpAsync() => _log.CatchUpAsync();

    /// <summary>The last that was written of a message.</summary>
    public MessageNote? Find(MessageId id) => _notes.TryFind(id, out var note) ? note : null;

    /// <summary>The message as its last worker left it, if that is not what its queue has.</summary>
    public byte[]? FindChanged(MessageId id) => _changed.TryFind(id, out var bytes) ? bytes : null;

    /// <summary>Writes how a worker leaves a message.</summary>
    /// <param name="id">The message.</param>
    /// <param name="bytes">Its encoded envelope; none when it is what its queue has.</param>
    public Task WriteChangedAsync(MessageId id, byte[] bytes)
    {
        var line = bytes.Length > 0 ? Convert.ToBase64String(bytes) : Unchanged;
        if (line.Length + LongestId > _broker.Options.MaxMessageBytes)
        {
            Log.TooLargeToBeLeft(_broker.Logger, id.ToString());
            line = Unchanged;
        }
        return _log.WriteAsync($"{id} {line}");
    }

    /// <summary>Writes what is known of messages.</summary>
    public Task WriteAsync(IEnumerable<(MessageId Id, MessageNote Note)> notes) => _log.WriteAsync(string.Join('\n', notes.Select(static each => $"{each.Id} {each.Note}")));

    /// <summary>Writes that nothing is known of a message.</summary>
    public Task ForgetAsync(MessageId id) => _log.WriteAsync($"{id} {default(MessageNote)}\n{id} {Unchanged}");

    private void Read(string[] words)
    {
        if (words.Length == 0 || !MessageId.TryParse(words[0], out var id))
            return;
        if (words is [_, Unchanged])
            _changed.Forget(id);
        else if (words is [_, var changed] && TryFromBase64(changed) is { } bytes)
            _changed.Set(id, bytes);
        else if (MessageNote.TryParse(words.AsSpan(1), out var note))
        {
            if (note == default)
                _notes.Forget(id);
            else
                _notes.Set(id, note);
        }
    }

    private static byte[]? TryFromBase64(string text)
    {
        var bytes = new byte[text.Length / 4 * 3];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : null;
    }
}
