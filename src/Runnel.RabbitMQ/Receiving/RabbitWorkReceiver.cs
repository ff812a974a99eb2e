using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>A worker on RabbitMQ: a connection of its own. When that ends, the broker hands out again what the worker held.</summary>
internal sealed class RabbitWorkReceiver : IWorkReceiver, IBeating
{
    private const string Goodbye = "The worker leaves.";

    private readonly RabbitMQBroker _broker;
    private readonly ChannelTable _table;
    private readonly QueueSender _sender;
    private readonly Action<RabbitWorkReceiver> _left;
    private readonly ConcurrentDictionary<ChannelName, WorkerChannel> _channels = new();
    private readonly SemaphoreSlim _connecting = new(1);
    private readonly CancellationTokenSource _lost = new();
    private IConnection? _connection;
    private Exception? _end;
    private bool _isClosed;

    public RabbitWorkReceiver(RabbitMQBroker broker, ChannelTable table, QueueSender sender, int number, Action<RabbitWorkReceiver> left)
    {
        (_broker, _table, _sender, Number, _left) = (broker, table, sender, number, left);
        WorkerId = $"{broker.Options.Prefix}.{Guid.NewGuid():N}";
        broker.Heart.Add(this);
    }

    public string WorkerId { get; }

    /// <summary>Differs from worker to worker.</summary>
    public int Number { get; }

    public CancellationToken Lost => _lost.Token;

    public bool IsHeld => Volatile.Read(ref _end) is null && _broker.Heart.IsBeating && (_connection is null || _connection.IsOpen);

    /// <summary>The channels that it receives from.</summary>
    public IEnumerable<WorkerChannel> Channels => _channels.Values;

    public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        cancellationToken.ThrowIfCancellationRequested();
        var name = channel.QueueName;
        var found = _channels.GetValueOrDefault(name) ?? Open(name);
        if (Volatile.Read(ref _end) is { } end)
            throw end;
        return found.ReceiveAsync(max, cancellationToken);
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) =>
        TakeClaim(message, cancellationToken) is { } claim ? claim.Channel.CompleteAsync(claim) : new(false);

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return TakeClaim(message, cancellationToken) is { } claim ? claim.Channel.AbandonAsync(claim, options) : new(false);
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
        TakeClaim(message, cancellationToken) is { } claim ? claim.Channel.DeadLetterAsync(claim, reason, error) : new(false);

    /// <summary>The worker's connection, which it has once and never again.</summary>
    public async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _connection) is { } known)
            return known;
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_connection is not null)
                return _connection;
            _ = await _broker.Publishing.GetAsync(cancellationToken).ConfigureAwait(false); // while the broker is away, one connection tries
            var connection = await _broker.Dialer.ConnectAsync($"{_broker.Options.Prefix} works", cancellationToken).ConfigureAwait(false);
            connection.ConnectionShutdownAsync += (_, reason) =>
            {
                Lose(reason);
                return Task.CompletedTask;
            };
            Volatile.Write(ref _connection, connection);
            if (connection.CloseReason is { } already)
                Lose(already);
            return connection;
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>Makes sure that a queue is there before it is consumed.</summary>
    public ValueTask EnsureAsync(BrokerQueue queue) => _table.Topology.EnsureAsync(queue);

    /// <summary>A queue is gone: it is declared again when it is next consumed.</summary>
    public void Forget(BrokerQueue queue) => _table.Topology.Forget(queue);

    /// <summary>What becomes of messages with a key.</summary>
    public MessageNotes Notes => _table.Notes;

    /// <summary>How many consumers a queue has.</summary>
    public Task<int> CountConsumersAsync(BrokerQueue queue, CancellationToken cancellationToken) => _table.Topology.CountConsumersAsync(queue, cancellationToken);

    /// <summary>How many shards the keys of a channel are split into.</summary>
    public int ShardsOf(ChannelName channel) => _table.Registry.ShardsOf(channel);

    /// <summary>A channel has its first message with a key.</summary>
    public void Split(ChannelName channel)
    {
        if (_channels.TryGetValue(channel, out var found))
            found.Signal();
    }

    /// <summary>The broker has closed what the worker holds its messages by.</summary>
    public void Lose(ShutdownEventArgs reason) =>
        Lose(reason.Initiator == ShutdownInitiator.Peer ? _broker.Dialer.Explain(reason.ReplyCode, reason.ReplyText).TrimEnd('.') : $"the connection is lost: {reason.ReplyText}");

    /// <summary>The broker waits for two heartbeats, and so does whoever stood still.</summary>
    public void Beat(bool stoodStill)
    {
        if (stoodStill)
            Lose($"this process stood still for longer than {_broker.Heart.Patience.TotalSeconds:0.#} s (two times Heartbeat)");
    }

    /// <summary>Closes the connection, as the death of the process would, but not before what was settled is on its way to the broker.</summary>
    public async Task AbortAsync()
    {
        await Task.WhenAll(_channels.Values.Select(static channel => channel.FlushAsync())).ConfigureAwait(false);
        Lose("the connection was closed");
        if (_connection is { } connection)
            await connection.AbortAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.CompareExchange(ref _end, new ObjectDisposedException(nameof(IWorkReceiver), $"Worker {WorkerId} has left."), null) is not null)
        {
            if (!Interlocked.Exchange(ref _isClosed, true))
                await CloseAsync().ConfigureAwait(false);
            return;
        }
        _isClosed = true;
        try
        {
            foreach (var channel in _channels.Values)
                channel.End(_end);
            await Task.WhenAll(_channels.Values.Select(static channel => channel.LeaveAsync())).WaitAsync(_broker.Options.OutageTimeout, TimeProvider.System).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.LeaveFailed(_broker.Logger, exception, WorkerId);
        }
        await CloseAsync().ConfigureAwait(false);
    }

    private WorkerChannel Open(ChannelName name)
    {
        lock (_channels)
        {
            if (_channels.TryGetValue(name, out var known))
                return known;
            if (Volatile.Read(ref _end) is { } end)
                throw end;
            var opened = new WorkerChannel(this, _table.QueuesOf(name), _sender, _broker);
            _channels[name] = opened;
            return opened;
        }
    }

    private RabbitClaim? TakeClaim(ReceivedMessage message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        cancellationToken.ThrowIfCancellationRequested();
        var claim = message.TokenAs<RabbitClaim>();
        return _channels.GetValueOrDefault(claim.Channel.Name) == claim.Channel && IsHeld && claim.TrySettle() ? claim : null;
    }

    /// <summary>The worker cannot go on; the application opens another one.</summary>
    public void Lose(string reason)
    {
        if (Interlocked.CompareExchange(ref _end, new LeaseLostException(WorkerId, reason), null) is not null)
            return;
        Log.LeaseLost(_broker.Logger, WorkerId, reason.TrimEnd('.'));
        lock (_channels)
        {
            foreach (var channel in _channels.Values)
                channel.End(_end);
        }
        _lost.CancelAsync();
        if (_connection is { IsOpen: true } connection)
            _ = connection.AbortAsync();
    }

    private async Task CloseAsync()
    {
        _left(this);
        _broker.Heart.Remove(this);
        // First, so that no channel waits any more for a broker that says nothing.
        await RabbitLink.CloseAsync(_connection, Goodbye).ConfigureAwait(false);
        foreach (var channel in _channels.Values)
            await channel.DisposeAsync().ConfigureAwait(false);
        await RabbitLink.CloseAsync(_connection, Goodbye).ConfigureAwait(false); // one that was being made meanwhile
    }
}
