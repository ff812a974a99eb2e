using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>What a worker receives of one channel: what the broker has handed to it, and who waits for it.</summary>
/// <remarks>
/// It takes from the broker what is asked for, and more only while it is asked for more than comes: what waits here could run elsewhere, and counts a crash if the process dies. What nobody
/// asks for any more is given back. Messages with a key wait in the order of their key (<see cref="KeyLanes"/>).
/// </remarks>
internal sealed partial class WorkerChannel : IConsumerOwner, IAsyncDisposable
{
    private readonly RabbitWorkReceiver _worker;
    private readonly ChannelQueues _queues;
    private readonly QueueSender _sender;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _lock = new();
    private readonly LinkedList<ReceiveRequest> _waiting = new();
    private readonly Queue<Delivery> _buffer = new();
    private readonly KeyLanes _lanes;
    private readonly HashSet<Delivery> _inHand = [];
    private readonly List<Task> _puttingAside = [];
    private Exception? _end;

    public WorkerChannel(RabbitWorkReceiver worker, ChannelQueues queues, QueueSender sender, RabbitMQBroker broker)
    {
        (_worker, _queues, _sender, _timeProvider, _broker) = (worker, queues, sender, broker.TimeProvider, broker);
        _lanes = new KeyLanes(_timeProvider, Expire);
        _stopped = _stopping.Token;
        _running = Task.Run(RunAsync);
    }

    public ChannelName Name => _queues.Channel;

    /// <summary>How many messages are in the handlers' hands.</summary>
    public int InHand
    {
        get
        {
            lock (_lock)
                return _inHand.Count(static delivery => delivery.Consumer.IsOpen);
        }
    }

    public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(int max, CancellationToken cancellationToken)
    {
        var request = new ReceiveRequest(max);
        bool isMoreWanted;
        lock (_lock)
        {
            if (_end is not null)
                throw _end;
            _waiting.AddLast(request);
            Serve();
            isMoreWanted = !request.Task.IsCompleted || IsWindowSmall();
        }
        if (isMoreWanted)
            Signal();
        return request.Task.IsCompleted ? new(request.Task) : WaitAsync(request, cancellationToken);
    }

    /// <summary>A message has come from the broker.</summary>
    public void Delivered(QueueConsumer consumer, ulong tag, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        Delivery delivery;
        try
        {
            _ = StoredMessage.TryRead(properties, body, out var message);
            delivery = new Delivery(consumer, tag, message, MessageHeaders.Number(properties.Headers, MessageHeaders.Returns));
        }
        catch (FormatException exception)
        {
            Log.UnreadableMessage(_broker.Logger, exception, consumer.Queue.Name);
            var putting = PutAsideAsync(consumer, tag, body.ToArray());
            lock (_lock)
            {
                _puttingAside.RemoveAll(static each => each.IsCompleted);
                _puttingAside.Add(putting);
            }
            return;
        }
        bool isAlone;
        lock (_lock)
        {
            consumer.Held++;
            consumer.LastAt = _timeProvider.GetTimestamp();
            _delivered++;
            if (consumer.IsShard)
                AddKeyed(delivery);
            else
                _buffer.Enqueue(delivery);
            Serve();
            // Nobody waits: it is given back, if nobody asks for it soon.
            isAlone = _waiting.Count > 0 || _lanes.Next is not null || _buffer.Count == 1 || _unsure.Count > 0;
        }
        if (isAlone)
            Signal();
    }

    /// <summary>The queue of a consumer was deleted: what it handed out is gone.</summary>
    public void QueueIsGone(QueueConsumer consumer)
    {
        _worker.Forget(consumer.Queue);
        lock (_lock)
        {
            consumer.QueueIsGone();
            ForgetClosed();
        }
        Signal();
    }

    /// <summary>All queues of the channel are deleted.</summary>
    public void QueuesAreGone()
    {
        lock (_lock)
        {
            foreach (var consumer in _inHand.Concat(_buffer).Select(static delivery => delivery.Consumer).Concat(_plain).Concat(_shards).ToList())
                consumer.QueueIsGone();
            ForgetClosed();
        }
        Signal();
    }

    private async ValueTask<IReadOnlyList<ReceivedMessage>> WaitAsync(ReceiveRequest request, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(() =>
        {
            lock (_lock)
            {
                if (!_waiting.Remove(request))
                    return;
                NobodyAsks();
            }
            request.Cancel(cancellationToken);
            Signal();
        });
        return await request.Task.ConfigureAwait(false);
    }

    // Under the lock.
    private void Serve()
    {
        while (_waiting.First is { Value: var first } && Take(first.Max) is { Count: > 0 } taken)
        {
            _waiting.RemoveFirst();
            NobodyAsks();
            first.End(taken);
        }
    }

    // Under the lock.
    private void NobodyAsks()
    {
        if (_waiting.Count == 0)
            _unaskedSince = _timeProvider.GetTimestamp();
    }

    // Under the lock. What has come with a crash is handed out alone, with nothing waiting beside it that would share the next one.
    private List<ReceivedMessage> Take(int max)
    {
        List<ReceivedMessage> taken = [];
        for (var isKeyedNext = _isKeyedFirst = !_isKeyedFirst; taken.Count < max; isKeyedNext = !isKeyedNext)
        {
            if (isKeyedNext && _lanes.Count > 0 && TakeKeyed() is { } keyed)
                taken.Add(HandOut(keyed));
            else if (TakePlain(isFirst: taken.Count == 0) is { } plain)
                taken.Add(HandOut(plain));
            else if (_lanes.Count > 0 && TakeKeyed() is { } other)
                taken.Add(HandOut(other));
            else
                break;
            if (_isCareful)
                break;
        }
        return taken;
    }

    private Delivery? TakePlain(bool isFirst)
    {
        while (_buffer.TryPeek(out var next))
        {
            if (ExpireIfDue(next))
            {
                _buffer.Dequeue();
                continue;
            }
            var isSuspect = next.Envelope.Crashes > 0;
            if (isSuspect && (!isFirst || _buffer.Count > 1 || Window > 1))
            {
                _isToSetApart |= isFirst;
                return null;
            }
            return _buffer.Dequeue();
        }
        return null;
    }

    private ReceivedMessage HandOut(Delivery delivery)
    {
        _inHand.Add(delivery);
        _isCareful = delivery.Envelope.Crashes > 0;
        return new ReceivedMessage(Name, delivery.Envelope, new RabbitClaim(delivery, this));
    }

    private bool ExpireIfDue(Delivery delivery)
    {
        if (delivery.Envelope.ExpiresAt is not { } expiry || expiry > _timeProvider.GetUtcNow())
            return false;
        Expire(delivery);
        return true;
    }

    private void Expire(Delivery delivery)
    {
        LayerTelemetry.MessagesExpired(1);
        delivery.Consumer.Held--;
        Acknowledge(delivery);
    }

    // Under the lock: what the broker has taken back, or deleted, is not here any more.
    private void ForgetClosed()
    {
        _plain.RemoveAll(static consumer => !consumer.IsOpen);
        _unsure.RemoveAll(static delivery => !delivery.Consumer.IsOpen);
        _shards.RemoveAll(static consumer => !consumer.IsOpen);
        _lanes.RemoveAll(static delivery => !delivery.Consumer.IsOpen);
        _inHand.RemoveWhere(static delivery => !delivery.Consumer.IsOpen);
        for (var count = _buffer.Count; count > 0; count--)
        {
            var delivery = _buffer.Dequeue();
            if (delivery.Consumer.IsOpen)
                _buffer.Enqueue(delivery);
        }
    }

    private static bool Acknowledge(Delivery delivery)
    {
        if (!delivery.Consumer.IsOpen)
            return false;
        delivery.Consumer.Acknowledgements.Settle(delivery.Tag);
        return true;
    }

    private async Task PutAsideAsync(QueueConsumer consumer, ulong tag, byte[] bytes)
    {
        try
        {
            await _sender.PutAsync(_queues.Dead, new BasicProperties { DeliveryMode = DeliveryModes.Persistent, MessageId = Guid.NewGuid().ToString("N") }, bytes).ConfigureAwait(false);
            consumer.Acknowledgements.Settle(tag);
        }
        catch (Exception exception)
        {
            Log.ReceiveFailed(_broker.Logger, exception, _worker.WorkerId, Name.Value);
        }
    }
}
