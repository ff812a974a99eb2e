namespace Runnel.Redis;

/// <summary>Puts channels in order that nobody else does: about once a minute, one process of all does it for all.</summary>
internal sealed class RedisSweeper : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Forgotten = 2 * Every;

    private readonly RedisStore _store;
    private readonly RedisWorkQueue _queue;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sweeping;

    public RedisSweeper(RedisStore store, RedisWorkQueue queue)
    {
        (_store, _queue) = (store, queue);
        _sweeping = Task.Run(RunAsync);
    }

    /// <summary>Puts one channel in order.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="dead">Which workers are dead.</param>
    /// <returns>Whether it holds nothing any more.</returns>
    public async Task<bool> SweepAsync(RedisChannel channel, LeasesEnded dead)
    {
        var writer = channel.Begin(RedisScript.Sweep, arguments: 3);
        writer.Add((long)_store.Options.DeadLetterRetention.TotalMicroseconds);
        writer.Add(dead.From);
        writer.Add(dead.To);
        var answer = (await _store.Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark: -1)).ConfigureAwait(false)).Items;
        channel.TellExpired(answer[1].AsNumber());
        foreach (var worker in answer[5..])
            Log.WorkerDied(_store.Logger, channel.Name.Value, worker.ToString());
        if (answer[2].AsNumber() is > 0 and var handedOn)
            Log.HandedOn(_store.Logger, channel.Name.Value, handedOn, answer[3].AsNumber());
        if (answer[4].AsNumber() is > 0 and var aged)
            Log.DeadLettersAged(_store.Logger, channel.Name.Value, aged);
        return answer[0].AsNumber() == 1;
    }

    /// <summary>Hands on, some time, what dead workers of a channel held; what fails is tried again when a heart beats next.</summary>
    public void ReapSoon(RedisChannel channel, LeasesEnded dead) => _ = TryAsync(() => SweepAsync(channel, dead));

    /// <summary>Rings a channel's bell, some time, if there still is something.</summary>
    public void RingSoon(RedisChannel channel) => _ = TryAsync(() => SweepAsync(channel, LeasesEnded.None));

    /// <summary>Puts all channels in order, and forgets those that hold nothing.</summary>
    public async Task SweepAllAsync()
    {
        var known = (await _store.Commands.ExecuteAsync(RespWriter.Encode("ZRANGE", _store.Keys.Channels, "0", "-1", "WITHSCORES")).ConfigureAwait(false)).Items;
        var dead = new LeasesEnded(0, await ServerTimeAsync().ConfigureAwait(false));
        foreach (var pair in known.SelectMany(static item => item.Kind == RespKind.List ? item.Items : [item]).Chunk(2))
        {
            var (name, touched) = (pair[0].ToString(), DateTimeOffset.FromUnixTimeMilliseconds((long)double.Parse(pair[1].ToString(), null)));
            var isForgotten = _store.TimeProvider.GetUtcNow() - touched > Forgotten;
            if (await SweepAsync(new RedisChannel(name, _store, isTouched: true), dead).ConfigureAwait(false) && isForgotten)
                await _store.Commands.ExecuteAsync(RespWriter.Encode("ZREM", _store.Keys.Channels, name)).ConfigureAwait(false);
        }
        _queue.ForgetIdle();
    }

    private async Task<long> ServerTimeAsync()
    {
        if (_store.ScriptTime is > 0 and var given)
            return given;
        var time = (await _store.Commands.ExecuteAsync(RespWriter.Encode("TIME")).ConfigureAwait(false)).Items;
        return (time[0].AsNumber() * 1_000_000) + time[1].AsNumber();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _sweeping.ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every * (0.9 + (Random.Shared.NextDouble() * 0.2)), TimeProvider.System, _ending.Token).ConfigureAwait(false);
                await TryAsync(SweepInTurnAsync).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The layer ends.
        }
    }

    private async Task SweepInTurnAsync()
    {
        // After an outage all leases look as if their workers had died: they get the time to say that they live.
        if (_store.Commands.ConnectedFor < Every / 2)
            return;
        var turn = RespWriter.Encode("SET", _store.Keys.Sweeping, _store.Node, "NX", "PX", $"{(long)(Every * 0.8).TotalMilliseconds}");
        if (!(await _store.Commands.ExecuteAsync(turn).ConfigureAwait(false)).IsNull)
            await SweepAllAsync().ConfigureAwait(false);
    }

    private async Task TryAsync(Func<Task> action)
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            if (exception is RedisErrorException)
                Log.Refused(_store.Logger, exception);
        }
    }
}
