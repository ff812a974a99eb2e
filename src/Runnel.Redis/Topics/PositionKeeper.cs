using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Topics;

/// <summary>Has Redis remember where the groups stand that this node listens to, however long nobody sends to them.</summary>
/// <remarks>
/// Otherwise a position would be forgotten <see cref="Retention.PositionAge"/> after the last message, and members who come back would be told of a gap although nothing is missing. It costs
/// one command for 256 groups, shortly after the first of them is joined, and then four times in the shortest of those times, at most every six hours.
/// </remarks>
internal sealed class PositionKeeper : IDisposable
{
    private const int Batch = 256;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1), Seldom = TimeSpan.FromHours(6);

    private readonly RedisStore _store;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _positions = [];
    private readonly List<string> _new = []; // which are not to wait for the next time of all
    private readonly ITimer _timer;
    private (long From, TimeSpan After) _next;
    private bool _isDisposed;

    public PositionKeeper(RedisStore store)
    {
        _store = store;
        _next = (store.TimeProvider.GetTimestamp(), Seldom);
        _timer = store.TimeProvider.CreateTimer(static state => _ = ((PositionKeeper)state!).KeepAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan Left => _next.After - _store.TimeProvider.GetElapsedTime(_next.From);

    /// <summary>The topic is listened to, and keeps history.</summary>
    public void Add(Topic topic)
    {
        if (topic.Kind != TopicKind.Group)
            return; // a state is remembered for as long as its last message said
        lock (_lock)
        {
            if (!_positions.Add(_store.Keys.PositionOf(topic)))
                return;
            _new.Add(_store.Keys.PositionOf(topic));
            if (_new.Count == 1)
                Arm();
        }
    }

    /// <summary>It is not listened to any more.</summary>
    public void Remove(Topic topic)
    {
        lock (_lock)
            _positions.Remove(_store.Keys.PositionOf(topic));
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _timer.Dispose();
    }

    private async Task KeepAsync()
    {
        string[] positions;
        bool isAll;
        lock (_lock)
        {
            isAll = Left <= TimeSpan.Zero;
            positions = isAll ? [.. _positions] : [.. _new];
            _new.Clear();
        }
        if (await KeepAsync(positions).ConfigureAwait(false) is not { } next)
            return;
        lock (_lock)
        {
            if (isAll || next < Left)
                _next = (_store.TimeProvider.GetTimestamp(), next);
            Arm();
        }
    }

    // How long they can wait for the next time; null when the layer ends.
    private async Task<TimeSpan?> KeepAsync(string[] positions)
    {
        var next = Seldom;
        try
        {
            foreach (var batch in positions.Chunk(Batch))
            {
                var shortest = TimeSpan.FromMilliseconds((await _store.Commands.ExecuteAsync(Keep(batch)).ConfigureAwait(false)).AsNumber());
                if (shortest > TimeSpan.Zero && shortest / 4 < next)
                    next = shortest / 4;
            }
            return next;
        }
        catch (Exception exception) when (exception is IOException or RedisErrorException)
        {
            return Soon; // Redis is away, or writes nothing now
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    // Under the lock.
    private void Arm()
    {
        if (_isDisposed || _positions.Count == 0)
            return;
        var left = _new.Count > 0 && Left > Soon ? Soon : Left;
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private static RedisCommand Keep(string[] positions)
    {
        var writer = RedisScript.Keep.Run(positions.Length, arguments: 0);
        foreach (var position in positions)
            writer.Add(position);
        return new RedisCommand(writer.Written, repeatMark: -1);
    }
}
