using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Receiving;

// One loop, so that what is said to the broker about this channel is said one after another.
internal sealed partial class WorkerChannel
{
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    // What a window should hold at the rate at which messages go: far more than a trip to the broker takes.
    private static readonly TimeSpan Stock = TimeSpan.FromMilliseconds(50);

    private readonly RabbitMQBroker _broker;
    private readonly SemaphoreSlim _signal = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stopped;
    private readonly Task _running;
    private Acknowledgements? _plainChannel;
    private readonly List<QueueConsumer> _plain = [];
    private long _delivered;
    private long _deliveredFrom;
    private long _unaskedSince;
    private bool _isCareful;
    private bool _isToSetApart;
    private bool _isKeyedFirst;
    private bool _isDisposed;

    /// <summary>Looks anew whether there is something to do.</summary>
    public void Signal()
    {
        lock (_signal)
        {
            if (!_isDisposed && _signal.CurrentCount == 0)
                _signal.Release();
        }
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _signal.WaitAsync(UntilNext(), _stopping.Token).ConfigureAwait(false);
                await AdjustAsync().ConfigureAwait(false);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                if (_broker.Publishing.Current is not null) // otherwise it is told that the broker is away
                    Log.ReceiveFailed(_broker.Logger, exception, _worker.WorkerId, Name.Value);
                await Task.Delay(Rest, TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Signal();
            }
        }
    }

    private async Task AdjustAsync()
    {
        int asked;
        bool isOver, isToSetApart;
        lock (_lock)
        {
            Serve();
            asked = _waiting.First?.Value.Max ?? 0;
            isToSetApart = _isToSetApart;
            isOver = asked == 0 && _timeProvider.GetElapsedTime(_unaskedSince) >= Linger;
        }
        if (isToSetApart || isOver)
            await StopPlainAsync(keeps: isToSetApart ? 1 : 0).ConfigureAwait(false);
        if (asked > 0 && WindowFor(asked) is { } window)
            await ConsumePlainAsync(window).ConfigureAwait(false);
        await AdjustShardsAsync(isAsked: asked > 0, isOver).ConfigureAwait(false);
    }

    // How long until something is to be done though nothing happens.
    private TimeSpan UntilNext()
    {
        lock (_lock)
        {
            var idle = _waiting.Count == 0 && (_plain.Count > 0 || _buffer.Count > 0 || (_shards.Count > 0 && _lanes.Count == 0)) ? Linger - _timeProvider.GetElapsedTime(_unaskedSince) : Timeout.InfiniteTimeSpan;
            var next = _waiting.Count > 0 && _lanes.Next is { } at ? _timeProvider.GetElapsedTime(_timeProvider.GetTimestamp(), at) : Timeout.InfiniteTimeSpan;
            if (_waiting.Count > 0 && _shards.Count > 0 && (next == Timeout.InfiniteTimeSpan || next > SharesEvery))
                next = SharesEvery;
            var first = idle == Timeout.InfiniteTimeSpan ? next : next == Timeout.InfiniteTimeSpan || idle < next ? idle : next;
            return first == Timeout.InfiniteTimeSpan ? first : TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(first.TotalMilliseconds), 1, int.MaxValue));
        }
    }

    // How much more is to be taken at a time; null when what is taken will do.
    private int? WindowFor(int asked)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0 || _buffer.Count > 0)
                return null;
            if (IsWindowSmall())
                return (int)Math.Clamp(Rate() - Window, Window, _broker.Options.Prefetch - Window);
            if (_plain.Sum(static consumer => consumer.Window - consumer.Held) > 0)
                return null;
            return _isCareful ? 1 : Math.Min(asked, _broker.Options.Prefetch);
        }
    }

    private int Window => _plain.Sum(static consumer => consumer.Window);

    private bool IsWindowSmall() => !_isCareful && _plain.Count > 0 && Window <= _broker.Options.Prefetch / 2 && _delivered >= 4L * Window && Rate() > 2L * Window;

    // How many messages a window should have at the rate at which they go.
    private long Rate() => (long)(_delivered * (Stock / (TimeProvider.System.GetElapsedTime(_deliveredFrom) + TimeSpan.FromMilliseconds(1))));

    // One more beside those that there are: a consumer that is cancelled sends back what is on its way, and the broker counts that as it counts a death.
    private async Task ConsumePlainAsync(int window)
    {
        _plainChannel = await OpenAsync(_plainChannel).ConfigureAwait(false);
        await _worker.EnsureAsync(_queues.Plain).ConfigureAwait(false);
        await _plainChannel.Channel.BasicQosAsync(0, (ushort)window, global: false, _stopping.Token).ConfigureAwait(false);
        var consumer = new QueueConsumer(this, _plainChannel, _queues.Plain, window, isShard: false);
        lock (_lock)
        {
            _plain.Add(consumer);
            (_delivered, _deliveredFrom) = (0, TimeProvider.System.GetTimestamp());
        }
        await BeginAsync(consumer).ConfigureAwait(false);
    }

    // A broker that has just been started may not answer for a queue. The answer may come later still, when nobody knows any more what it belongs to: the worker begins anew.
    private async Task BeginAsync(QueueConsumer consumer)
    {
        try
        {
            await consumer.BeginAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            QueueIsGone(consumer);
            throw;
        }
        catch (Exception exception) when (!_stopping.IsCancellationRequested)
        {
            _worker.Lose($"queue '{consumer.Queue.Name}' could not be consumed: {_broker.Dialer.Explain(exception)}");
            throw;
        }
    }

    // Nobody asks any more: what has come is for others.
    private async Task StopPlainAsync(int keeps)
    {
        await CancelPlainAsync().ConfigureAwait(false);
        List<Delivery> left;
        lock (_lock)
        {
            _isToSetApart = false;
            left = [.. _buffer.Skip(keeps)];
            var kept = _buffer.Take(keeps).ToList();
            _buffer.Clear();
            left.RemoveAll(ExpireIfDue);
            kept.ForEach(_buffer.Enqueue);
        }
        await GiveBackAsync(left).ConfigureAwait(false);
        lock (_lock)
            Serve();
    }

    private async Task CancelPlainAsync()
    {
        List<QueueConsumer> consumers;
        lock (_lock)
        {
            consumers = [.. _plain.Where(static consumer => consumer.IsOpen)];
            _plain.Clear();
        }
        try
        {
            // A trip to the broker: what was on its way when this began has come then.
            if (consumers.Count > 0)
                await _plainChannel!.Channel.BasicQosAsync(0, 1, global: false).ConfigureAwait(false);
            foreach (var consumer in consumers)
                await _plainChannel!.Channel.BasicCancelAsync(consumer.Tag).ConfigureAwait(false);
        }
        catch (Exception exception) when (!_stopping.IsCancellationRequested)
        {
            _worker.Lose($"consumers of queue '{_queues.Plain.Name}' could not be ended: {_broker.Dialer.Explain(exception)}");
            throw;
        }
    }

    // What could not be stored anew is still this worker's, for the next try.
    private async Task GiveBackAsync(List<Delivery> deliveries)
    {
        var storing = deliveries.ConvertAll(delivery => _sender.PutAsync(_queues.Plain, delivery.Message));
        Exception? failure = null;
        for (var i = 0; i < storing.Count; i++)
        {
            try
            {
                await storing[i].ConfigureAwait(false);
                Acknowledge(deliveries[i]);
            }
            catch (Exception exception)
            {
                failure = exception;
                lock (_lock)
                    _buffer.Enqueue(deliveries[i]);
            }
        }
        if (failure is not null)
            throw failure;
    }

    private async Task<Acknowledgements> OpenAsync(Acknowledgements? known)
    {
        if (known is { Channel.IsOpen: true })
            return known;
        var connection = await _worker.ConnectAsync(_stopping.Token).ConfigureAwait(false);
        var channel = await connection.CreateChannelAsync(cancellationToken: _stopping.Token).ConfigureAwait(false);
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            // A queue that was deleted before it could be consumed has taken along what was handed out of it, and nothing else.
            if (reason.Initiator != ShutdownInitiator.Application && reason.ReplyCode != Constants.NotFound)
                _worker.Lose(reason);
            return Task.CompletedTask;
        };
        return new Acknowledgements(channel);
    }

    // What is settled and not acknowledged would come again.
    private static async Task CloseAsync(Acknowledgements? channel)
    {
        if (channel is not { Channel.IsOpen: true })
            return;
        await channel.FlushAsync().ConfigureAwait(false);
        await channel.Channel.AbortAsync().ConfigureAwait(false);
    }

    /// <summary>Ends when all that was settled is on its way to the broker.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
            return Task.WhenAll(_shards.Select(static consumer => consumer.Acknowledgements).Append(_plainChannel).OfType<Acknowledgements>().Select(static channel => channel.FlushAsync()));
    }

    /// <summary>The worker's lease is over: nothing that it holds is its own.</summary>
    public void End(Exception exception)
    {
        List<ReceiveRequest> waiting;
        lock (_lock)
        {
            _end ??= exception;
            waiting = [.. _waiting];
            _waiting.Clear();
        }
        foreach (var request in waiting)
            request.Fail(exception);
        if (!_isDisposed)
            _ = _stopping.CancelAsync();
    }

    /// <summary>Gives back at once what is not settled: what has a key by closing its channel, since it keeps its place so.</summary>
    public async Task LeaveAsync()
    {
        await _running.ConfigureAwait(false);
        await CancelPlainAsync().ConfigureAwait(false);
        List<Delivery> left;
        Task aside;
        lock (_lock)
        {
            aside = Task.WhenAll(_puttingAside);
            left = [.. _inHand.Where(static delivery => !delivery.Consumer.IsShard && delivery.Consumer.IsOpen).OrderBy(static delivery => delivery.Tag), .. _buffer];
        }
        await aside.ConfigureAwait(false);
        await GiveBackAsync(left).ConfigureAwait(false);
        await CloseAsync(_plainChannel).ConfigureAwait(false);
        await LeaveShardsAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        lock (_signal)
            _isDisposed = true;
        _signal.Dispose();
        _stopping.Dispose();
    }
}
