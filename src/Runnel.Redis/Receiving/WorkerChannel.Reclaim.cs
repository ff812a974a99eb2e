using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>What the worker holds, as it knows it: a server that takes another one's place may know it otherwise.</summary>
internal sealed partial class WorkerChannel
{
    private readonly HashSet<RedisClaim> _claims = [];
    private long _lastClaiming;

    /// <summary>Tells a server that may lack what was settled last what the worker holds, so that it does not keep the rest for this worker.</summary>
    public async Task ReclaimAsync()
    {
        try
        {
            var (cursor, count) = ("0", 0L);
            do
            {
                var answer = await ReclaimAsync(cursor).ConfigureAwait(false);
                count += answer[0].AsNumber();
                cursor = answer[1].ToString();
            }
            while (cursor != "0");
            if (count > 0)
                Log.Reclaimed(store.Logger, channel.Name.Value, count);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The layer ends, or the worker.
        }
        store.Outage.NotRefused(_claims);
    }

    // What the server keeps for this worker would be nobody's for as long as the worker lives: one that refuses to write now is asked until it does.
    private async Task<RespValue[]> ReclaimAsync(string cursor)
    {
        while (true)
        {
            var asked = TimeProvider.System.GetTimestamp();
            try
            {
                return (await store.Commands.ExecuteAsync(new RedisCommand(Reclaim(cursor), repeatMark: -1) { IsPatient = true }).ConfigureAwait(false)).Items;
            }
            catch (RedisErrorException exception) when (Volatile.Read(ref _ended) is null)
            {
                store.Outage.Refused(_claims, asked, exception); // on its own: the worker's steps may be done meanwhile
                await Task.Delay(AfterRefusal, TimeProvider.System).ConfigureAwait(false);
            }
        }
    }

    // Until Redis has settled it, a claim is the worker's.
    private void Forget(IReadOnlyList<Settlement> settled)
    {
        if (settled.Count == 0)
            return;
        lock (_lock)
        {
            foreach (var settlement in settled)
                _claims.Remove(settlement.Claim);
        }
    }

    private RedisClaim[] Remember(ReadOnlySpan<RespValue> found, long step)
    {
        var claims = new RedisClaim[found.Length];
        for (var i = 0; i < found.Length; i++)
            claims[i] = new RedisClaim(term, channel.Name, step, i + 1, Entry.KeyOf(found[i].Bytes));
        lock (_lock)
        {
            _claims.UnionWith(claims);
            _lastClaiming = step;
        }
        return claims;
    }

    // What a step claims whose answer is not here yet is not counted.
    private ReadOnlyMemory<byte> Reclaim(string cursor)
    {
        lock (_lock)
        {
            var writer = channel.Begin(RedisScript.Reclaim, arguments: 3 + _claims.Count);
            writer.Add(term.WorkerId);
            writer.Add(cursor);
            writer.Add(_lastClaiming);
            foreach (var claim in _claims)
                claim.AddField(writer);
            return writer.Written;
        }
    }
}
