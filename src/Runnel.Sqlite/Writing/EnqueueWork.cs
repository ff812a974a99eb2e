using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Stores messages on a channel: all of them or none.</summary>
internal sealed class EnqueueWork(ChannelName channel, NewMessage[] messages, EnqueueOptions options, WaitingSenders waiting) : StoreWork<int?>
{
    private readonly int _capacity = options.Capacity;
    private TaskCompletionSource<int>? _room;

    public string Channel { get; } = channel.Value;

    public override int Weight => messages.Length;

    private bool MayWait => options.WaitForRoom > TimeSpan.Zero && messages.Length <= _capacity;

    public override bool Execute(StoreTransaction transaction)
    {
        // A request joins the line behind those that wait for room. Otherwise a large batch might wait forever.
        Refusal = null;
        Result = TryStore(transaction, isFirst: !waiting.Any(Channel));
        if (Result is not null)
            return true;
        if (!MayWait)
        {
            Refusal = new ChannelFullException(channel, _capacity);
            return true;
        }
        _room ??= new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.Add(this);
        transaction.Channels.GetOrAdd(Channel).Want();
        return true;
    }

    /// <summary>Stores the messages if there is room for all of them.</summary>
    /// <returns>How many were new; <see langword="null"/> when there is no room.</returns>
    public int? TryStore(StoreTransaction transaction, bool isFirst)
    {
        var fresh = SelectNew(transaction);
        if (fresh.Length == 0)
            return 0;
        if (!isFirst)
            return null;
        while (transaction.Channels.HeldIn(Channel) + fresh.Length > _capacity)
        {
            if (transaction.Messages.RemoveExpired(limit: 100) == 0)
                return null;
        }
        transaction.DiskRoom.RequireForMessages(BytesOf(fresh)); // before anything is changed
        var row = transaction.Channels.GetOrAdd(Channel);
        foreach (var message in fresh)
        {
            message.Begin(transaction.Now);
            transaction.Messages.Insert(row, message);
            if (message.DeduplicationId is not null)
                Remember(transaction, message);
        }
        return fresh.Length;
    }

    /// <summary>Waits until the messages are stored, for room too.</summary>
    /// <returns>How many were new.</returns>
    public async Task<int> StoredAsync() => await Task.ConfigureAwait(false) ?? await _room!.Task.ConfigureAwait(false);

    /// <summary>There was room, and the transaction is on disk.</summary>
    public void CompleteRoom(int stored) => _room!.TrySetResult(stored);

    public void FailRoom(Exception exception) => _room!.TrySetException(exception);

    public override void Fail(Exception exception)
    {
        waiting.Remove(this); // what has failed must not be stored later
        base.Fail(exception);
    }

    private static long BytesOf(NewMessage[] messages)
    {
        var bytes = 0L;
        foreach (var message in messages)
            bytes += message.Bytes.Length;
        return bytes;
    }

    private NewMessage[] SelectNew(StoreTransaction transaction)
    {
        if (!Array.Exists(messages, static message => message.DeduplicationId is not null))
            return messages;
        HashSet<string> seen = [];
        return Array.FindAll(messages, message =>
            message.DeduplicationId is not { } id || (seen.Add(id) && !transaction.Deduplication.Contains(Channel, id, transaction.Now)));
    }

    private void Remember(StoreTransaction transaction, NewMessage message)
    {
        var until = Ticks.Later(transaction.Now, message.DeduplicationWindow);
        transaction.Deduplication.Add(Channel, message.DeduplicationId!, until);
        transaction.Round.SweepAt(until);
    }
}
