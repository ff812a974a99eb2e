using Runnel.Layers;
using Runnel.Redis.Receiving;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis;

/// <summary>The work queue on Redis: lists, hashes and sorted sets, changed by scripts only.</summary>
/// <remarks>
/// A stored message is as safe as Redis makes it: with <c>appendfsync always</c> nothing confirmed is lost. With <c>everysec</c>, which is usual, a power cut may
/// cost the last two seconds, and the sudden end of the Redis process what it confirmed while the disk was busy. A worker that died is noticed within its lease and a quarter of it, by any other worker of the channel. Times go by the
/// clock of the Redis server. While Redis is away, what is stored waits (<see cref="RedisOptions.OutageTimeout"/>), and then fails with an
/// <see cref="IOException"/>; what is settled and received waits for as long as it takes. Thread-safe.
/// </remarks>
public sealed partial class RedisWorkQueue : IWorkQueue, IWorkQueueOperator, IAsyncDisposable
{
    // Older processes read the number at the end of a worker's name as how many workers may die holding a message: so large that they put nothing aside.
    private const string CrashLimitOfOlder = "/65535";

    private static readonly TimeSpan ShortestLease = TimeSpan.FromMilliseconds(400);

    private readonly RedisStore _store;
    private readonly RedisSweeper _sweeper;
    private int _workers;
    private bool _isDisposed;

    /// <summary>Creates the queue on a store, which it does not own.</summary>
    public RedisWorkQueue(RedisStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        Channels = new ChannelTable(store);
        _sweeper = new RedisSweeper(store, Channels);
        Heart = new RedisHeart(store, _sweeper.ReapSoon);
        Bells = new RedisBells(store, _sweeper.RingSoon);
    }

    internal ChannelTable Channels { get; }

    internal RedisHeart Heart { get; }

    internal RedisBells Bells { get; }

    internal RedisSweeper Sweeper => _sweeper;

    /// <inheritdoc/>
    public WorkQueueFeatures Features => WorkQueueFeatures.All;

    /// <inheritdoc/>
    public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(envelopes);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        if (envelopes.Count == 0)
            return ValueTask.FromResult(0);
        var queueName = channel.QueueName;
        var request = new EnqueueRequest(queueName, envelopes, options, _store.Sealing)
        {
            Since = _store.TimeProvider.GetTimestamp(),
            HandedIn = TimeProvider.System.GetTimestamp() - (long)(options.AlreadyWaited.TotalSeconds * TimeProvider.System.TimestampFrequency),
        };
        var used = Channels.Enter(queueName);
        var line = used.Sender;
        try
        {
            line.Add(request, cancellationToken);
        }
        finally
        {
            used.Exit();
        }
        return new(request.Task);
    }

    /// <inheritdoc/>
    public async ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) =>
        DateTimeOffset.UnixEpoch.AddMicroseconds(await _store.GetTimeAsync(cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var found = Channels.ChannelOf(channel.QueueName);
        var writer = found.Begin(RedisScript.Cancel, arguments: 1);
        WriteId(writer, id);
        var answer = (await _store.Commands.ExecuteAsync(writer.Written).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
        found.TellExpired(answer[1].AsNumber());
        var wasThere = answer[0].AsNumber() == 1;
        if (wasThere)
            found.Sender.RoomMayBe();
        return wasThere;
    }

    /// <inheritdoc/>
    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.LeaseDuration < ShortestLease)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), $"A lease of {options.LeaseDuration.TotalMilliseconds} ms (LeaseDuration) is too short to be renewed over a network: give it {ShortestLease.TotalMilliseconds} ms or more.");
        }
        cancellationToken.ThrowIfCancellationRequested();
        var term = new LeaseTerm($"{_store.Node}.{Interlocked.Increment(ref _workers)}{CrashLimitOfOlder}", options.LeaseDuration);
        return ValueTask.FromResult<IWorkReceiver>(new RedisWorkReceiver(_store, Channels, Heart, Bells, term));
    }

    /// <summary>Ends the loops. Workers hand back what they hold when they are disposed, which is to be done before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return; // an application's container knows it by several names, and disposes each
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        await Heart.DisposeAsync().ConfigureAwait(false);
        await Bells.DisposeAsync().ConfigureAwait(false);
    }

    private static void WriteId(RespWriter writer, MessageId id) => id.Value.TryWriteBytes(writer.AddEmpty(16), bigEndian: true, out _);
}
