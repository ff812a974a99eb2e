using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>Channels' layer specification on top of any backplane and work queue.</summary>
/// <remarks>
/// <para>
/// A process-specific channel (<see cref="NewChannelAsync"/>) shares one queue, and with it one capacity, with the others of this object's
/// with the same prefix. Messages for a channel that nobody reads stay in that queue: they count, and they expire, like all others.
/// </para>
/// <para>
/// A group's members are those that were added <em>here</em>: the process that added a channel removes it. A channel that several
/// processes added gets each message once.
/// </para>
/// </remarks>
public sealed class ChannelLayer : IChannelLayer, IAsyncDisposable
{
    // A message that is parked for a channel of this process is taken back when somebody asks for it; one to a group is stored once for each member.
    private const WorkQueueFeatures Needed = WorkQueueFeatures.Cancel | WorkQueueFeatures.Deduplicate;

    // Nodes deliver the same message to a group at about the same time.
    private static readonly TimeSpan GroupDeduplicationWindow = TimeSpan.FromSeconds(10);

    private readonly IWorkQueue _queue;
    private readonly IWorkQueueOperator _operator;
    private readonly ChannelLayerOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly (Glob Pattern, int Capacity)[] _capacities;
    private readonly LayerReceiver _receiver;
    private readonly LayerGroups _groups;
    private readonly Lock _lock = new();
    private readonly Dictionary<ChannelName, ProcessReader> _readers = [];
    private readonly CancellationTokenSource _stopping = new();

    // Random, not counted: two processes that began alike must not make the same names.
    private readonly string _node = Guid.NewGuid().ToString("N");
    private bool _disposed;

    /// <summary>Creates the layer.</summary>
    /// <param name="backplane">Carries messages to groups.</param>
    /// <param name="queue">Keeps messages until they are received.</param>
    /// <param name="queueOperator">The same queue's operator, for <see cref="FlushAsync"/>.</param>
    /// <param name="options">The limits.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <exception cref="NotSupportedException">The queue cannot take back messages, or does not know duplicates.</exception>
    public ChannelLayer(IBackplane backplane, IWorkQueue queue, IWorkQueueOperator queueOperator, ChannelLayerOptions options, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(backplane);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(queueOperator);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(timeProvider);
        if ((Needed & ~queue.Features) is not WorkQueueFeatures.None and var lacking)
            throw new NotSupportedException($"The channel layer needs a work queue that can do more than this one, which lacks: {lacking}. Use memory:, sqlite: or redis: for work.");
        _queue = queue;
        _operator = queueOperator;
        _options = options;
        _timeProvider = timeProvider;
        _capacities = [.. options.ChannelCapacity.Select(entry => (new Glob(entry.Key), entry.Value))];
        _receiver = new LayerReceiver(queue);
        _groups = new LayerGroups(backplane, options.GroupExpiry, timeProvider, DeliverToMembersAsync);
    }

    /// <summary>How many groups have members here.</summary>
    internal int GroupCount => _groups.Count;

    /// <summary>How many messages are parked here: read, and not waited for.</summary>
    internal int ParkedCount
    {
        get
        {
            lock (_lock)
                return _readers.Values.Sum(static reader => reader.ParkedCount);
        }
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var envelope = Address(channel, message);
        CheckSize(envelope, $"channel '{channel}'");
        await _queue.EnqueueAsync(channel.QueueName, [envelope], new EnqueueOptions { Capacity = CapacityOf(channel) }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (channel.IsProcessSpecific)
            return await ReaderOf(channel).ReceiveAsync(channel, cancellationToken).ConfigureAwait(false);

        while (true)
        {
            var (receiver, received) = await _receiver.ReceiveAsync(channel, 1, cancellationToken).ConfigureAwait(false);
            // Not under the caller's token: what the caller received is gone from the queue, even if the caller fails.
            if (await receiver.CompleteAsync(received[0], CancellationToken.None).ConfigureAwait(false))
                return received[0].Envelope.Message;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The prefix has other characters, or more than 33 of them.</exception>
    public ValueTask<ChannelName> NewChannelAsync(string prefix = "specific", CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ChannelPrefix.Check(prefix);
        return new(new ChannelName($"{prefix}.{_node}!{Guid.NewGuid():N}"));
    }

    /// <inheritdoc/>
    public ValueTask AddToGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _groups.AddAsync(group, channel, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask RemoveFromGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _groups.RemoveAsync(group, channel, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask SendToGroupAsync(GroupName group, Message message, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var envelope = new Envelope(message) { Id = MessageId.New(_timeProvider), SentAt = _timeProvider.GetUtcNow() };
        CheckSize(envelope, $"group '{group}'");
        return _groups.SendAsync(group, envelope, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await _groups.ClearAsync(cancellationToken).ConfigureAwait(false);
        await _operator.FlushAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            foreach (var reader in _readers.Values)
                reader.Flush();
        }
    }

    /// <summary>Ends the receives that wait and leaves all groups. What is unread stays on its channels until it expires.</summary>
    public async ValueTask DisposeAsync()
    {
        ProcessReader[] readers;
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            readers = [.. _readers.Values];
        }
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var reader in readers)
            await reader.DisposeAsync().ConfigureAwait(false);
        await _groups.ClearAsync(CancellationToken.None).ConfigureAwait(false);
        await _receiver.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private Envelope Address(ChannelName channel, Message message)
    {
        var now = _timeProvider.GetUtcNow();
        return new Envelope(message) { Id = new MessageId(Guid.CreateVersion7(now)), Channel = channel, SentAt = now, TimeToLive = _options.Expiry };
    }

    private void CheckSize(Envelope envelope, string destination)
    {
        if (EnvelopeFormat.Measure(envelope) is var size && size > _options.MaxMessageBytes)
            throw new MessageTooLargeException(destination, size, _options.MaxMessageBytes);
    }

    private int CapacityOf(ChannelName channel)
    {
        foreach (var (pattern, capacity) in _capacities)
        {
            if (pattern.IsMatch(channel.Value))
                return capacity;
        }
        return _options.Capacity;
    }

    private ProcessReader ReaderOf(ChannelName channel)
    {
        var queueName = channel.QueueName;
        if (!queueName.Value.EndsWith($".{_node}!", StringComparison.Ordinal))
            throw new InvalidOperationException($"Channel '{channel}' belongs to another process and is received there only. Receive from a name that NewChannelAsync of this layer made.");
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_readers.TryGetValue(queueName, out var reader))
                _readers.Add(queueName, reader = new ProcessReader(queueName, _queue, _receiver));
            return reader;
        }
    }

    private async ValueTask DeliverToMembersAsync(Envelope envelope, IReadOnlyList<ChannelName> members)
    {
        foreach (var member in members)
        {
            // Another process may have added the same channel: the first one delivers.
            var copy = Address(member, envelope.Message) with
            {
                DeduplicationId = $"{envelope.Id}:{member}",
                DeduplicationWindow = GroupDeduplicationWindow,
            };
            try
            {
                await _queue.EnqueueAsync(member.QueueName, [copy], new EnqueueOptions { Capacity = CapacityOf(member) }, _stopping.Token).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // A member that is full misses the message, and so does one whose queue cannot be reached: the others get it.
                ChannelLayerMetrics.GroupDropped.Add(1);
            }
        }
    }
}
