using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ;

/// <summary>The work queue on RabbitMQ: quorum queues, with publisher confirms.</summary>
/// <remarks>
/// <para>
/// A message is stored when the broker has confirmed it, on the disks of most of its nodes. A worker's lease is its connection: a worker that died is noticed as soon as the connection ends,
/// and one that is silent after two heartbeats (<see cref="RabbitMQOptions.Heartbeat"/>), so that <see cref="ReceiverOptions.LeaseDuration"/> is not used. Completing does not
/// wait for the broker: if the process dies or the connection breaks in that moment, the message is handed out again.
/// </para>
/// <para>
/// Delays count by nobody's clock. Points in time (<see cref="Envelope.NotBefore"/>, <see cref="Envelope.ExpiresAt"/>) go by the clocks of the machines, since the broker tells no time: keep them
/// right. A message with a key that waits for its time or for a retry keeps its place in its queue, and is held by its worker: the queue's other keys go on until 64 messages wait. A body
/// that it was given for its next attempt (<see cref="AbandonOptions.Body"/>), and the wait until then, go on to the next worker if its worker leaves, and are lost if it dies. Thread-safe.
/// </para>
/// </remarks>
public sealed partial class RabbitMQWorkQueue : IWorkQueue, IWorkQueueOperator, IAsyncDisposable
{
    private const int Tries = 20, InternalError = 541;
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly RabbitMQBroker _broker;
    private readonly QueuePlan _plan;
    private readonly RabbitCalls _calls;
    private readonly RabbitCalls _letters;
    private readonly QueueTopology _topology;
    private readonly RabbitPublisher _sending;
    private readonly RabbitPublisher _returning;
    private readonly RabbitPublisher _relaying;
    private readonly QueueSender _returner;
    private readonly ChannelRegistry _registry;
    private readonly MessageNotes _notes;
    private readonly ChannelTable _channels;
    private readonly DelayRelay _relay;
    private readonly RabbitLink _listening;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<RabbitWorkReceiver> _workers = [];
    private readonly Lock _lock = new();
    private Task? _opening;
    private int _made;
    private bool _hasWorkers;
    private bool _isDisposed;

    /// <summary>Creates the queue on a broker, which it does not own.</summary>
    public RabbitMQWorkQueue(RabbitMQBroker broker)
    {
        ArgumentNullException.ThrowIfNull(broker);
        _broker = broker;
        _plan = new QueuePlan(broker.Options);
        _calls = new RabbitCalls(broker);
        _letters = new RabbitCalls(broker);
        _topology = new QueueTopology(_calls, broker);
        _sending = new RabbitPublisher(broker, broker.Publishing);
        // What is given back does not stand in line behind what is sent, nor behind thousands whose delay ends at once.
        _returning = new RabbitPublisher(broker, broker.Publishing);
        _relaying = new RabbitPublisher(broker, broker.Publishing);
        _returner = new QueueSender(_returning, _topology, _plan);
        _registry = new ChannelRegistry(broker, _returner, _topology, _plan);
        _notes = new MessageNotes(broker, _returner, _topology, _plan);
        _channels = new ChannelTable(_registry, _notes, _topology, _plan, new QueueSender(_sending, _topology, _plan), broker);
        _relay = new DelayRelay(broker, new QueueSender(_relaying, _topology, _plan), _topology, _plan, _stopping.Token);
        _listening = new RabbitLink(broker, "listens", ListenAsync);
        _registry.Split += OnSplit;
    }

    /// <inheritdoc/>
    public WorkQueueFeatures Features => WorkQueueFeatures.ScaleOut | WorkQueueFeatures.Durable | WorkQueueFeatures.KeyOrder | WorkQueueFeatures.CountCrashes | WorkQueueFeatures.FilterDeadLetters;

    /// <inheritdoc/>
    /// <value>Half of <see cref="RabbitMQOptions.DeliveryTimeout"/>: the worker holds the message meanwhile, and the broker lets it do so for no longer than that.</value>
    public TimeSpan LongestKeyedDelay => _broker.Options.DeliveryTimeout / 2;

    /// <inheritdoc/>
    /// <remarks>Not all or none: when the connection breaks in the middle, some messages of a call may be stored. Those that a delay keeps away do not count for the capacity.</remarks>
    /// <exception cref="MessageTooLargeException">A message is larger than <see cref="RabbitMQOptions.MaxMessageBytes"/>; none was stored.</exception>
    public async ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        if (envelopes.Count == 0)
            return 0;
        var name = channel.QueueName;
        var messages = new NewMessage[envelopes.Count];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = new NewMessage(envelopes[i], name, _broker.Options.MaxMessageBytes);
        var request = new EnqueueRequest(name, messages, options);
        var line = _channels.LineOf(name);
        line.Add(request, OpenAsync());
        return options.WaitForRoom > TimeSpan.Zero
            ? await RoomWait.ForAsync(request.Task, () => WithdrawAsync(line, request, cancellationToken), name, options, _broker.TimeProvider, cancellationToken).ConfigureAwait(false)
            : await StoredAsync(line, request, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>It is the clock of this machine: the broker does not tell its own.</remarks>
    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => new(_broker.TimeProvider.GetUtcNow());

    /// <summary>Not on RabbitMQ: it hands out no message by its id.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException($"RabbitMQ cannot take back a stored message, so message '{id}' on channel '{channel}' cannot be cancelled. Pick another layer for work (--queue-layer) for channels whose messages are cancelled.");

    /// <inheritdoc/>
    public async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        await OpenAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        RabbitWorkReceiver worker;
        bool isFirst;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            worker = new RabbitWorkReceiver(_broker, _channels, _returner, ++_made, Left);
            _workers.Add(worker);
            isFirst = !_hasWorkers;
            _hasWorkers = true;
        }
        try
        {
            if (isFirst)
                await _relay.TakeAsync(await _listening.GetAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            return worker;
        }
        catch
        {
            // The next connection takes from the relay by itself.
            await worker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends the connections. Workers hand back what they hold when they are disposed, which is to be done before.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return; // an application's container knows it by several names, and disposes each
            _isDisposed = true;
        }
        await _stopping.CancelAsync().ConfigureAwait(false);
        // Each says goodbye to the broker, and a silent one is waited for once.
        IAsyncDisposable[] parts = [_listening, _sending, _relaying, _returning, _letters, _calls];
        await Task.WhenAll(parts.Select(static part => part.DisposeAsync().AsTask())).ConfigureAwait(false);
        _relay.Dispose();
    }

    // Whether there is no room only the broker knows: while it is away nobody is told so.
    private static async ValueTask<bool> WithdrawAsync(ChannelLine line, EnqueueRequest request, CancellationToken cancellationToken)
    {
        await line.AnsweredAsync(request).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!line.Remove(request))
            return false;
        cancellationToken.ThrowIfCancellationRequested();
        return true;
    }

    private static async ValueTask<int> StoredAsync(ChannelLine line, EnqueueRequest request, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
            return await request.Task.ConfigureAwait(false);
        try
        {
            return await request.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            line.Remove(request);
            throw;
        }
    }

    // Once; a failure is tried again by whoever comes next.
    private Task OpenAsync()
    {
        lock (_lock)
        {
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
                _opening = OpenLinksAsync();
            return _opening;
        }
    }

    private async Task OpenLinksAsync()
    {
        await _broker.OpenAsync(_stopping.Token).ConfigureAwait(false);
        for (var tries = 1; ; tries++)
        {
            try
            {
                await _listening.OpenAsync(_stopping.Token).ConfigureAwait(false);
                return;
            }
            catch (RabbitUnavailableException exception) when (tries < Tries && exception.InnerException is OperationInterruptedException { ShutdownReason.ReplyCode: InternalError })
            {
                // The broker stumbles over a stream that another process declares in the same moment.
                await Task.Delay(Rest, TimeProvider.System, _stopping.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task ListenAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await _registry.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        await _notes.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        bool relays;
        lock (_lock)
            relays = _hasWorkers;
        if (relays)
            await _relay.TakeAsync(connection, cancellationToken).ConfigureAwait(false);
    }

    private void OnSplit(ChannelName channel, int shards)
    {
        List<RabbitWorkReceiver> workers;
        lock (_lock)
            workers = [.. _workers];
        workers.ForEach(worker => worker.Split(channel));
    }

    private void Left(RabbitWorkReceiver worker)
    {
        lock (_lock)
            _workers.Remove(worker);
    }
}
