using System.Collections.Concurrent;
using Runnel.InMemory.Channels;
using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory;

/// <summary>The work queue of one process. <em>What it holds ends with the process</em>: for tests, and for work that may get lost.</summary>
/// <remarks>
/// The same promises as those of a broker's queue but that one: messages go through <see cref="EnvelopeFormat"/>, delays sleep on one timer,
/// a worker's crash can be played in tests. Several nodes of a test share one instance. Thread-safe.
/// </remarks>
public sealed class InMemoryWorkQueue : IWorkQueue, IWorkQueueOperator
{
    private readonly ConcurrentDictionary<ChannelName, InMemoryChannel> _channels = new();
    private readonly ConcurrentDictionary<string, InMemoryWorkReceiver> _leases = new();
    private readonly TimeProvider _timeProvider;

    /// <summary>Creates an empty queue.</summary>
    public InMemoryWorkQueue(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        _timeProvider = timeProvider;
        Clock = new ChannelClock(timeProvider);
    }

    /// <inheritdoc/>
    public WorkQueueFeatures Features => WorkQueueFeatures.All & ~(WorkQueueFeatures.ScaleOut | WorkQueueFeatures.Durable);

    /// <summary>How long dead letters are kept.</summary>
    /// <value>14 days by default.</value>
    public TimeSpan DeadLetterRetention { get; init; } = TimeSpan.FromDays(14);

    /// <summary>How many channels there is a record of: those that hold or remember something, or that somebody waits at.</summary>
    internal int ChannelCount => _channels.Count;

    internal ChannelClock Clock { get; }

    /// <inheritdoc/>
    public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        if (envelopes.Count == 0)
            return new(0);

        var messages = new StoredMessage[envelopes.Count];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = StoredMessage.Of(envelopes[i]);
        var name = channel.QueueName;
        while (true)
        {
            var home = GetOrAdd(name);
            var (stored, waiter) = home.Enqueue(messages, options);
            if (waiter is not null)
                return WaitForRoomAsync(home, waiter, options, cancellationToken);
            if (stored is not null)
                return new(stored.Value);
        }
    }

    /// <inheritdoc/>
    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => new(_timeProvider.GetUtcNow());

    /// <inheritdoc/>
    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Find(channel) is { } home && home.Cancel(id));
    }

    /// <inheritdoc/>
    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        var lease = new InMemoryWorkReceiver(this);
        _leases[lease.WorkerId] = lease;
        return new(lease);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var channels = _channels.Values.Select(channel => channel.GetStatus()).OfType<ChannelStatus>();
        return new([.. channels.OrderBy(status => status.Channel.Value, StringComparer.Ordinal)]);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        if (Find(channel) is not { } home)
            return new([]);
        return new([.. home.GetDeadLetters().Select(letter => letter.Open(home.Name)).Where(filter.Matches).Take(limit)]);
    }

    /// <inheritdoc/>
    public ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        ForDeadLettersAsync(channel, filter, static (home, letters) => home.Replay(letters), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        ForDeadLettersAsync(channel, filter, static (home, letters) => home.Purge(letters), cancellationToken);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var channel in _channels.Values)
            channel.Flush();
        return ValueTask.CompletedTask;
    }

    /// <summary>Plays the death of a worker: as if its process had been killed.</summary>
    internal void Crash(string workerId)
    {
        if (_leases.TryGetValue(workerId, out var lease))
            lease.Crash();
    }

    internal InMemoryChannel GetOrAdd(ChannelName name) =>
        _channels.GetOrAdd(name, static (name, queue) => new InMemoryChannel(name, queue.Clock, queue.DeadLetterRetention, queue.Forget), this);

    private void Forget(InMemoryChannel channel) => _channels.TryRemove(new(channel.Name, channel));

    /// <summary>A lease is over: every channel does what is to be done for it.</summary>
    internal void End(InMemoryWorkReceiver lease, Action<InMemoryChannel> settle)
    {
        _leases.TryRemove(new(lease.WorkerId, lease));
        foreach (var (_, channel) in _channels)
            settle(channel);
    }

    internal InMemoryChannel? Find(ChannelName channel) => _channels.GetValueOrDefault(channel.QueueName);

    private ValueTask<int> WaitForRoomAsync(InMemoryChannel home, RoomWaiter waiter, EnqueueOptions options, CancellationToken cancellationToken) =>
        RoomWait.ForAsync(waiter.Task, () => new(home.StopWaiting(waiter)), home.Name, options, _timeProvider, cancellationToken);

    private ValueTask<int> ForDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, Func<InMemoryChannel, HashSet<StoredDeadLetter>, int> act, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        cancellationToken.ThrowIfCancellationRequested();
        if (Find(channel) is not { } home)
            return new(0);
        // Opened and looked at outside of the channel's lock; one that somebody else takes meanwhile is not there any more, and not counted.
        var meant = home.GetDeadLetters().Where(letter => filter.Matches(letter.Open(home.Name))).ToHashSet();
        return new(act(home, meant));
    }
}
