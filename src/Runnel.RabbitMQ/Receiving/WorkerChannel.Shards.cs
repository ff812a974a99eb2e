using Runnel.Layers;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

// Messages with a key: each shard's are handed to one worker at a time, and stay in their order when another one takes over.
internal sealed partial class WorkerChannel
{
    // Equal for all workers: a shard's messages come back in their order only if the next worker is handed as many of them at once.
    private const int ShardWindow = 64;

    private static readonly TimeSpan Settles = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan SharesEvery = TimeSpan.FromSeconds(1);

    private readonly List<QueueConsumer> _shards = [];
    private readonly List<Delivery> _unsure = [];
    private Delivery? _toNote;
    private QueueConsumer? _presence;
    private long _sharedAt;

    // Under the lock. What came back waits until it is known what became of it, and what comes behind waits with it.
    private void AddKeyed(Delivery delivery)
    {
        if (delivery.Returns > 0 || _unsure.Count > 0)
            _unsure.Add(delivery);
        else
            _lanes.Add(delivery);
    }

    // Under the lock. What a worker has died with is handed out when it is noted that it may happen again; one at a time, since what is noted and not handed out would be counted.
    private Delivery? TakeKeyed()
    {
        if (_toNote is { IsNoted: true } noted)
        {
            _toNote = null;
            return noted;
        }
        if (_toNote is not null || _lanes.Take() is not { } next)
            return null;
        if (next.Envelope.Crashes == 0 || next.IsNoted)
            return next;
        _toNote = next;
        return null;
    }

    private async Task AdjustShardsAsync(bool isAsked, bool isOver)
    {
        await MakeSureAsync().ConfigureAwait(false);
        await NoteAsync().ConfigureAwait(false);
        if (isOver && TryBeginToLeave())
            await LeaveShardsAsync().ConfigureAwait(false);
        if (!isAsked || _worker.ShardsOf(Name) is not (> 0 and var shards))
            return;
        await ConsumeShardsAsync(shards).ConfigureAwait(false);
        await ShareAsync(shards).ConfigureAwait(false);
    }

    private async Task MakeSureAsync()
    {
        int count;
        lock (_lock)
            count = _unsure.Count;
        if (count == 0)
            return;
        await _worker.Notes.CatchUpAsync().ConfigureAwait(false);
        lock (_lock)
        {
            foreach (var delivery in _unsure.Take(count).ToList())
            {
                _unsure.RemoveAt(0);
                if (delivery.Returns > 0)
                    Recall(delivery);
                _lanes.Add(delivery);
            }
            Serve();
        }
        Signal();
    }

    private void Recall(Delivery delivery)
    {
        if (_worker.Notes.FindChanged(delivery.Envelope.Id) is { } left)
            delivery.GoOnFrom(left);
        delivery.Count(_worker.Notes.Find(delivery.Envelope.Id));
    }

    private async Task NoteAsync()
    {
        Delivery? suspect;
        lock (_lock)
        {
            if (_toNote is { Consumer.IsOpen: false })
                _toNote = null;
            suspect = _toNote;
        }
        if (suspect is null or { IsNoted: true })
            return;
        await _worker.Notes.WriteAsync([suspect.NoteOf(isDeath: true)]).ConfigureAwait(false);
        suspect.IsNoted = true;
        lock (_lock)
            Serve();
        Signal(); // perhaps for the next one
    }

    // On a channel of its own each, so that each can be left without the others.
    private async Task ConsumeShardsAsync(int shards)
    {
        await BeCountedAsync().ConfigureAwait(false);
        if (_shards.Count == shards)
            return;
        _queues.Split(shards);
        for (var i = 0; i < shards; i++)
        {
            // Each worker begins with another one: of workers that start together, each becomes the first on some.
            var queue = _queues.Shards[(i + _worker.Number) % shards];
            lock (_lock)
            {
                if (_shards.Exists(consumer => consumer.Queue == queue))
                    continue;
            }
            await ConsumeShardAsync(queue).ConfigureAwait(false);
        }
    }

    private async Task BeCountedAsync()
    {
        if (_presence is { IsOpen: true })
            return;
        await CloseAsync(_presence?.Acknowledgements).ConfigureAwait(false);
        await _worker.EnsureAsync(_queues.Workers).ConfigureAwait(false);
        _presence = new QueueConsumer(this, await OpenAsync(null).ConfigureAwait(false), _queues.Workers, window: 0, isShard: false);
        await BeginAsync(_presence).ConfigureAwait(false);
    }

    private async Task ConsumeShardAsync(BrokerQueue queue)
    {
        await _worker.EnsureAsync(queue).ConfigureAwait(false);
        var channel = await OpenAsync(null).ConfigureAwait(false);
        await channel.Channel.BasicQosAsync(0, ShardWindow, global: false, _stopping.Token).ConfigureAwait(false);
        var consumer = new QueueConsumer(this, channel, queue, ShardWindow, isShard: true);
        lock (_lock)
            _shards.Add(consumer);
        await BeginAsync(consumer).ConfigureAwait(false);
    }

    // A worker that has more than its share leaves some: the next in line takes them over. Those whose messages it is at work with come last.
    private async Task ShareAsync(int shards)
    {
        if (_timeProvider.GetElapsedTime(_sharedAt) >= SharesEvery && HasSeveral())
        {
            _sharedAt = _timeProvider.GetTimestamp();
            var workers = await _worker.CountConsumersAsync(_queues.Workers, _stopping.Token).ConfigureAwait(false);
            lock (_lock)
                ChooseWhatLeaves(shares: KeyShard.ShareOf(shards, workers));
        }
        List<QueueConsumer> ready;
        lock (_lock)
            ready = [.. _shards.Where(consumer => consumer.IsLeaving && !IsInHand(consumer))];
        await LeaveAsync(ready).ConfigureAwait(false);
    }

    // Under the lock. What could not leave by now, since a handler takes long, stays for this time: its shard would stand still meanwhile.
    private void ChooseWhatLeaves(int shares)
    {
        var staying = _shards.Where(static consumer => consumer.IsLeaving).ToList();
        foreach (var consumer in staying)
        {
            consumer.IsLeaving = false;
            _lanes.LineAgain(consumer);
        }
        var active = _shards.Where(IsActive).ToList();
        foreach (var consumer in active.Except(staying).OrderBy(IsInHand).Take(active.Count - shares))
            consumer.IsLeaving = true;
        Serve();
    }

    // Nothing to share, nothing to ask: a worker that idles asks the broker nothing.
    private bool HasSeveral()
    {
        lock (_lock)
            return _shards.Count(IsActive) > 1;
    }

    private bool IsActive(QueueConsumer consumer) => consumer.Held > 0 || (consumer.LastAt > 0 && _timeProvider.GetElapsedTime(consumer.LastAt) < SharesEvery * 5);

    private bool IsInHand(QueueConsumer consumer) => _inHand.Any(delivery => delivery.Consumer == consumer);

    // If there is nothing to do. What comes from then on is not handed out, since its channel is about to be closed.
    private bool TryBeginToLeave()
    {
        lock (_lock)
        {
            if (_lanes.Count > 0 || _unsure.Count > 0)
                return false;
            foreach (var consumer in _shards)
                consumer.IsLeaving = true;
            return true;
        }
    }

    private async Task LeaveShardsAsync()
    {
        List<QueueConsumer> all;
        lock (_lock)
            all = [.. _shards];
        await LeaveAsync(all).ConfigureAwait(false);
        await CloseAsync(_presence?.Acknowledgements).ConfigureAwait(false);
    }

    // Its messages come back in their order and as they were sent, and the broker counts that: so it is noted before that nobody died, and what has changed.
    private async Task LeaveAsync(List<QueueConsumer> consumers)
    {
        if (consumers.Count == 0)
            return;
        // What was on its way has come then, and can be noted.
        foreach (var consumer in consumers.Where(static consumer => consumer.IsOpen))
            await consumer.Channel.BasicQosAsync(0, ShardWindow, global: false).ConfigureAwait(false);
        await Task.Delay(Settles, TimeProvider.System).ConfigureAwait(false);
        List<(MessageId, MessageNote)> notes;
        List<(MessageId Id, byte[] Bytes)> changed;
        lock (_lock)
        {
            List<Delivery> left = [.. _lanes.All.Concat(_unsure.Where(static delivery => delivery.Returns == 0)).Where(delivery => consumers.Contains(delivery.Consumer))];
            notes = [.. left.Select(static delivery => delivery.NoteOf(isDeath: false))];
            changed = [.. left.Where(delivery => delivery.IsChanged || _worker.Notes.FindChanged(delivery.Envelope.Id) is not null).Select(delivery => (delivery.Envelope.Id, AsItIsLeft(delivery)))];
        }
        foreach (var (id, bytes) in changed)
            await _worker.Notes.WriteChangedAsync(id, bytes).ConfigureAwait(false);
        if (notes.Count > 0)
            await _worker.Notes.WriteAsync(notes).ConfigureAwait(false);
        foreach (var consumer in consumers)
            await CloseAsync(consumer.Acknowledgements).ConfigureAwait(false);
        lock (_lock)
            ForgetClosed();
        Signal();
    }

    private byte[] AsItIsLeft(Delivery delivery) => delivery.IsChanged
        ? delivery.AsItIsLeft(_timeProvider.GetElapsedTime(_timeProvider.GetTimestamp(), delivery.Due), _timeProvider.GetUtcNow())
        : [];
}
