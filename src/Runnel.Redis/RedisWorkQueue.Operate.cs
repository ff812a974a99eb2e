using Runnel.Layers;

namespace Runnel.Redis;

public sealed partial class RedisWorkQueue
{
    private const int Page = 100;

    /// <inheritdoc/>
    /// <remarks>Of a channel where more than a thousand messages are ready, the oldest is that of the first thousand in line.</remarks>
    public async ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        var names = await KnownChannelsAsync(cancellationToken).ConfigureAwait(false);
        var all = await Task.WhenAll(names.Select(name => StatusAsync(new RedisChannel(name, _store, isTouched: true)))).WaitAsync(cancellationToken).ConfigureAwait(false);
        return [.. all.Where(static status => status.Ready + status.Scheduled + status.Blocked + status.InFlight + status.Dead > 0).OrderBy(static status => status.Channel.Value, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        List<DeadLetter> letters = [];
        await foreach (var (letter, _) in DeadLettersOf(channel.QueueName, filter, cancellationToken).ConfigureAwait(false))
        {
            if (letters.Count == limit)
                break;
            if (letter is not null)
                letters.Add(letter);
        }
        return letters;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        await ForAllAsync(RedisScript.Replay, channel.QueueName, filter, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) =>
        await ForAllAsync(RedisScript.Purge, channel.QueueName, filter, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        foreach (var name in await KnownChannelsAsync(cancellationToken).ConfigureAwait(false))
        {
            var channel = ChannelOf(name);
            var writer = channel.Begin(RedisScript.Flush, arguments: 0, [channel.Keys.Order, channel.Keys.Seen]);
            await _store.Commands.ExecuteAsync(writer.Written).WaitAsync(cancellationToken).ConfigureAwait(false);
            channel.Sender.RoomMayBe();
        }
    }

    private async Task<IEnumerable<ChannelName>> KnownChannelsAsync(CancellationToken cancellationToken)
    {
        var answer = await _store.Commands.ExecuteAsync(RespWriter.Encode("ZRANGE", _store.Keys.Channels, "0", "-1")).WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer.Items.Select(static item => new ChannelName(item.ToString()));
    }

    private async Task<ChannelStatus> StatusAsync(RedisChannel channel)
    {
        var answer = (await _store.Commands.ExecuteAsync(channel.Begin(RedisScript.Status, arguments: 0).Written).ConfigureAwait(false)).Items;
        var (ready, scheduled, waiting, oldest) = (answer[0].AsNumber(), answer[1].AsNumber(), answer[2].AsNumber(), answer[5].AsNumber());
        channel.TellExpired(answer[6].AsNumber());
        return new ChannelStatus(
            channel.Name, ready, scheduled, Blocked: waiting - ready - scheduled, InFlight: answer[3].AsNumber(), Dead: answer[4].AsNumber(),
            oldest == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(oldest));
    }

    private async Task<int> ForAllAsync(RedisScript script, ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        var done = 0L;
        foreach (var ids in (await IdsOfAsync(channel, filter, cancellationToken).ConfigureAwait(false)).Chunk(Page))
        {
            var writer = ChannelOf(channel).Begin(script, ids.Length);
            foreach (var id in ids)
                writer.Add(id);
            done += (await _store.Commands.ExecuteAsync(writer.Written).ConfigureAwait(false)).AsNumber();
        }
        return (int)done;
    }

    private async Task<List<byte[]>> IdsOfAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        List<byte[]> ids = [];
        await foreach (var (_, id) in DeadLettersOf(channel, filter, cancellationToken).ConfigureAwait(false))
            ids.Add(id);
        return ids;
    }

    // One that cannot be read fits no filter but the one that fits all, so that it can be purged, and replayed when its key is there again.
    private async IAsyncEnumerable<(DeadLetter? Letter, byte[] Id)> DeadLettersOf(
        ChannelName channel, DeadLetterFilter filter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var keys = _store.Keys.Of(channel);
        for (var from = 0; ; from += Page)
        {
            var range = RespWriter.Encode("ZRANGE", keys.Dead, $"{from}", $"{from + Page - 1}");
            var ids = (await _store.Commands.ExecuteAsync(range).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
            if (ids.Length == 0)
                yield break;
            var stored = (await _store.Commands.ExecuteAsync(LettersOf(keys, ids)).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
            for (var i = 0; i < ids.Length; i++)
            {
                if (stored[i].IsNull)
                    continue;
                var letter = Read(stored[i].Bytes, channel);
                if (letter is null ? filter == DeadLetterFilter.All : filter.Matches(letter))
                    yield return (letter, ids[i].Bytes);
            }
        }
    }

    private DeadLetter? Read(byte[] stored, ChannelName channel)
    {
        try
        {
            return DeadLetters.Decode(stored, _store.Sealing, channel);
        }
        catch (FormatException exception)
        {
            Log.Unreadable(_store.Logger, exception);
            return null;
        }
    }

    private static ReadOnlyMemory<byte> LettersOf(ChannelKeys keys, RespValue[] ids)
    {
        var writer = new RespWriter(2 + ids.Length);
        writer.Add("HMGET"u8);
        writer.Add(keys.Letters);
        foreach (var id in ids)
            writer.Add(id.Bytes);
        return writer.Written;
    }
}
