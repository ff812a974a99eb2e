using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>Puts channels in order that nobody else does: about once a minute, one process of all does it for all.</summary>
internal sealed class RedisSweeper : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Forgotten = 2 * Every;

    private readonly RedisStore _store;
    private readonly ChannelTable _channels;
    private readonly TimeSpan _every;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sweeping;
    private long _turnBefore;

    /// <param name="store">The store.</param>
    /// <param name="channels">The channels that this process knows.</param>
    /// <param name="every">How long it is from one turn to the next; a minute by default.</param>
    public RedisSweeper(RedisStore store, ChannelTable channels, TimeSpan? every = null)
    {
        (_store, _channels, _every) = (store, channels, every ?? Every);
        _sweeping = Task.Run(RunAsync);
    }

    /// <summary>Puts one channel in order.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="dead">Which workers are dead.</param>
    /// <returns>Whether it holds nothing any more.</returns>
    public async Task<bool> SweepAsync(RedisChannel channel, LeasesEnded dead)
    {
        var (handedOn, aged) = (0L, 0L);
        try
        {
            // The script does a little at a time, so that nobody else waits for long.
            while (true)
            {
                var answer = await SweepOnceAsync(channel, dead).ConfigureAwait(false);
                handedOn += answer[3].AsNumber();
                aged += answer[4].AsNumber();
                if (answer[1].AsNumber() == 0)
                    return answer[0].AsNumber() == 1;
            }
        }
        finally
        {
            if (handedOn > 0)
                Log.HandedOn(_store.Logger, channel.Name.Value, handedOn);
            if (aged > 0)
                Log.DeadLettersAged(_store.Logger, channel.Name.Value, aged);
        }
    }

    /// <summary>Puts as much of one channel in order as one script does: what Scripts/sweep.lua answers.</summary>
    public async Task<RespValue[]> SweepOnceAsync(RedisChannel channel, LeasesEnded dead)
    {
        var writer = channel.Begin(RedisScript.Sweep, arguments: 3);
        writer.Add((long)_store.Options.DeadLetterRetention.TotalMicroseconds);
        writer.Add(dead.From);
        writer.Add(dead.To);
        var answer = (await _store.Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark: -1)).ConfigureAwait(false)).Items;
        channel.TellExpired(answer[2].AsNumber());
        foreach (var worker in answer[5..])
            Log.WorkerDied(_store.Logger, channel.Name.Value, worker.ToString());
        return answer;
    }

    /// <summary>Hands on, some time, what dead workers of a channel held; what fails is tried again when a heart beats next.</summary>
    public void ReapSoon(RedisChannel channel, LeasesEnded dead) => _ = TryAsync(() => SweepAsync(channel, dead));

    /// <summary>Rings a channel's bell, some time, if there still is something.</summary>
    public void RingSoon(RedisChannel channel) => _ = TryAsync(() => SweepAsync(channel, LeasesEnded.None));

    /// <summary>Puts all channels in order, and forgets those that hold nothing.</summary>
    public async Task SweepAllAsync(LeasesEnded dead)
    {
        var known = (await _store.Commands.ExecuteAsync(RespWriter.Encode("ZRANGE", _store.Keys.Channels, "0", "-1")).ConfigureAwait(false)).Items;
        foreach (var name in known.Select(static item => item.ToString()))
        {
            try
            {
                if (!ChannelName.IsValid(name))
                    await ForgetAsync(name).ConfigureAwait(false); // another program's, like what it has spoilt
                else if (await SweepAsync(new RedisChannel(name, _store, isTouched: true), dead).ConfigureAwait(false))
                    await ForgetAsync(name).ConfigureAwait(false);
            }
            catch (RedisErrorException refusal) when (refusal.IsOfData)
            {
                Log.SweepFailed(_store.Logger, name, refusal); // the channels behind it have their turn
            }
        }
        _channels.ForgetIdle();
    }

    /// <summary>Puts all channels in order, if it is this process's turn.</summary>
    public async Task SweepInTurnAsync()
    {
        // After an outage all leases look as if their workers had died: they get the time to say that they live.
        if (_store.Commands.ConnectedFor < _every / 2)
            return;
        var before = _turnBefore;
        _turnBefore = 0; // a server that refuses to write has refused the others' leases, too
        (var isTaken, _turnBefore) = await TakeTurnAsync().ConfigureAwait(false);
        if (isTaken)
            await SweepAllAsync(DeadSince(before, _turnBefore)).ConfigureAwait(false);
    }

    /// <summary>Takes the turn to put all channels in order, unless another process has it.</summary>
    /// <returns>Whether it is this process's turn, and the server's time in microseconds.</returns>
    public async Task<(bool IsTaken, long Now)> TakeTurnAsync()
    {
        var writer = RedisScript.Turn.Run(keys: 1, arguments: 3);
        writer.Add(_store.Keys.Sweeping);
        writer.Add(_store.ScriptTime);
        writer.Add(_store.Node);
        writer.Add((long)(_every * 0.8).TotalMilliseconds);
        var answer = (await _store.Commands.ExecuteAsync(writer.Written).ConfigureAwait(false)).Items;
        return (answer[0].AsNumber() == 1, answer[1].AsNumber());
    }

    /// <summary>Forgets a channel that holds nothing, unless somebody has used it lately.</summary>
    public async Task ForgetAsync(string name)
    {
        var writer = RedisScript.Forget.Run(keys: 1, arguments: 3);
        writer.Add(_store.Keys.Channels);
        writer.Add(_store.ScriptTime);
        writer.Add(name);
        writer.Add((long)Forgotten.TotalMilliseconds);
        await _store.Commands.ExecuteAsync(writer.Written).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _sweeping.ConfigureAwait(false);
        _store.Outage.NotRefused(this);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_every * (0.9 + (Random.Shared.NextDouble() * 0.2)), TimeProvider.System, _ending.Token).ConfigureAwait(false);
                await TryAsync(SweepInTurnAsync).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The layer ends.
        }
    }

    /// <summary>Who is dead: whose lease had ended at the turn before, and was not renewed since. A server whose clock was set back says nothing about it.</summary>
    public static LeasesEnded DeadSince(long turnBefore, long now) => turnBefore <= now ? new(0, turnBefore) : LeasesEnded.None;

    private async Task TryAsync(Func<Task> action)
    {
        var asked = TimeProvider.System.GetTimestamp();
        try
        {
            await action().ConfigureAwait(false);
            _store.Outage.NotRefused(this);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            if (exception is RedisErrorException)
                _store.Outage.Refused(this, asked, exception);
        }
    }
}
