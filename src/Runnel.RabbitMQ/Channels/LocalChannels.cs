using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Channels;

/// <summary>What has come for the channels of this process, and who waits for it.</summary>
/// <remarks>
/// The broker has done with a message when it is here, so a channel that nobody reads costs the others nothing. Each channel has its own bound, all of them have one together,
/// and what nobody reads in time goes.
/// </remarks>
internal sealed class LocalChannels : IAsyncDisposable
{
    private const int MostFullChannels = 64;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly RabbitMQBroker _broker;
    private readonly int _capacity;
    private readonly TimeSpan _expiry;
    private readonly Lock _lock = new();
    private readonly Dictionary<ChannelName, LocalChannel> _channels = [];
    private readonly RareWarning _full;
    private readonly RareWarning _expired;
    private readonly ITimer _looking;
    private int _messages;
    private bool _hasEnded;

    public LocalChannels(RabbitMQBroker broker)
    {
        _broker = broker;
        (_full, _expired) = (new(broker.TimeProvider), new(broker.TimeProvider));
        _capacity = broker.Options.MostLocal;
        _expiry = broker.Options.LocalExpiry ?? broker.Options.Expiry;
        var every = _expiry < LookEvery ? _expiry : LookEvery;
        _looking = broker.TimeProvider.CreateTimer(_ => ForgetExpired(), null, every, every);
    }

    /// <summary>How many messages wait.</summary>
    public int Count => Volatile.Read(ref _messages);

    /// <summary>How many messages of a channel wait.</summary>
    public int CountOf(ChannelName channel)
    {
        lock (_lock)
            return _channels.TryGetValue(channel, out var local) ? local.Messages.Count : 0;
    }

    /// <summary>Hands a message to who has waited longest, or keeps it.</summary>
    /// <returns><see langword="false"/> when there is no room for it.</returns>
    public bool Add(ChannelName channel, Message message)
    {
        string fullest;
        long count;
        lock (_lock)
        {
            if (_hasEnded)
                return true;
            var local = Of(channel);
            if (local.Waiting.First is { } first)
            {
                local.Waiting.RemoveFirst();
                ForgetIfEmpty(channel, local);
                first.Value.SetResult(message);
                return true;
            }
            if (local.Messages.Count < _capacity && _messages < _capacity * MostFullChannels)
            {
                local.Messages.Enqueue((message, _broker.TimeProvider.GetTimestamp()));
                _messages++;
                return true;
            }
            ForgetIfEmpty(channel, local);
            if (!_full.IsDue(out count))
                return false;
            fullest = string.Join(", ", _channels.OrderByDescending(one => one.Value.Messages.Count).Take(3).Select(one => $"'{one.Key}' ({one.Value.Messages.Count})"));
        }
        Log.ChannelsFull(_broker.Logger, count, _capacity, fullest);
        return false;
    }

    /// <summary>Waits for a message of a channel.</summary>
    public async ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ForgetExpired();
        LinkedListNode<TaskCompletionSource<Message>> waiter;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_hasEnded, typeof(IDirectChannels));
            var local = Of(channel);
            if (local.Messages.TryDequeue(out var next))
            {
                _messages--;
                ForgetIfEmpty(channel, local);
                return next.Message;
            }
            waiter = local.Waiting.AddLast(new TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        using var cancellation = cancellationToken.UnsafeRegister((_, token) => StopWaiting(channel, waiter, token), null);
        return await waiter.Value.Task.ConfigureAwait(false);
    }

    /// <summary>Forgets all messages.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (var (channel, local) in _channels.ToArray())
            {
                local.Messages.Clear();
                ForgetIfEmpty(channel, local);
            }
            _messages = 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Clear();
        lock (_lock)
        {
            _hasEnded = true;
            foreach (var waiter in _channels.Values.SelectMany(local => local.Waiting))
                waiter.SetException(new ObjectDisposedException(nameof(IDirectChannels)));
            _channels.Clear();
        }
        await _looking.DisposeAsync().ConfigureAwait(false);
    }

    private void StopWaiting(ChannelName channel, LinkedListNode<TaskCompletionSource<Message>> waiter, CancellationToken token)
    {
        lock (_lock)
        {
            // Who has been served, or was told of the end, is not in line any more.
            if (waiter.List is not { } line)
                return;
            if (!_hasEnded)
            {
                line.Remove(waiter);
                ForgetIfEmpty(channel, Of(channel));
            }
        }
        waiter.Value.TrySetCanceled(token);
    }

    private void ForgetExpired()
    {
        var forgotten = 0;
        List<ChannelName> of = [];
        lock (_lock)
        {
            if (_messages == 0)
                return;
            foreach (var (channel, local) in _channels.ToArray())
            {
                var before = forgotten;
                for (; local.Messages.TryPeek(out var oldest) && _broker.TimeProvider.GetElapsedTime(oldest.Since) >= _expiry; forgotten++)
                    local.Messages.Dequeue();
                if (forgotten == before)
                    continue;
                of.Add(channel);
                ForgetIfEmpty(channel, local);
            }
            _messages -= forgotten;
        }
        if (forgotten == 0)
            return;
        LayerTelemetry.MessagesExpired(forgotten);
        if (_expired.IsDue(out var count, forgotten))
            Log.ChannelsUnread(_broker.Logger, count, _expiry.TotalSeconds, string.Join(", ", of.Take(3).Select(channel => $"'{channel}'")));
    }

    private LocalChannel Of(ChannelName channel)
    {
        if (!_channels.TryGetValue(channel, out var local))
            _channels.Add(channel, local = new LocalChannel());
        return local;
    }

    private void ForgetIfEmpty(ChannelName channel, LocalChannel local)
    {
        if (local.Messages.Count == 0 && local.Waiting.Count == 0)
            _channels.Remove(channel);
    }

    private sealed class LocalChannel
    {
        public Queue<(Message Message, long Since)> Messages { get; } = new();

        public LinkedList<TaskCompletionSource<Message>> Waiting { get; } = new();
    }
}
