using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis;

public sealed partial class RedisWorkQueue
{
    private const int Page = 100;
    private const int PageOfIds = 1000;

    /// <inheritdoc/>
    /// <remarks>Of a channel where more than a thousand messages are ready, the oldest is that of the first thousand in line.</remarks>
    public async ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        var names = await KnownChannelsAsync(cancellationToken).ConfigureAwait(false);
        var all = await Task.WhenAll(names.Select(name => StatusAsync(new RedisChannel(name, _store, isTouched: true), cancellationToken))).WaitAsync(cancellationToken).ConfigureAwait(false);
        return [.. all.Where(static status => status.Ready + status.Scheduled + status.Blocked + status.InFlight + status.Dead > 0).OrderBy(static status => status.Channel.Value, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        cancellationToken.ThrowIfCancellationRequested();
        List<DeadLetter> letters = [];
        await foreach (var (letter, _) in DeadLettersOf(channel.QueueName, filter, limit, cancellationToken).ConfigureAwait(false))
        {
            if (letter is not null)
                letters.Add(letter);
            if (letters.Count == limit)
                break;
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
            var channel = Channels.ChannelOf(name);
            for (var isMore = true; isMore;)
            {
                var writer = channel.Begin(RedisScript.Flush, arguments: 0, [channel.Keys.Seen]);
                isMore = (await _store.Commands.ExecuteAsync(writer.Written).WaitAsync(cancellationToken).ConfigureAwait(false)).AsNumber() == 1;
            }
            channel.Sender.RoomMayBe();
        }
    }

    private async Task<IEnumerable<ChannelName>> KnownChannelsAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var answer = await _store.Commands.ExecuteAsync(RespWriter.Encode("ZRANGE", _store.Keys.Channels, "0", "-1")).WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer.Items.Select(static item => item.ToString()).Where(ChannelName.IsValid).Select(static name => new ChannelName(name));
    }

    private async Task<ChannelStatus> StatusAsync(RedisChannel channel, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var answer = (await _store.Commands.ExecuteAsync(channel.Begin(RedisScript.Status, arguments: 0).Written).ConfigureAwait(false)).Items;
            channel.TellExpired(answer[6].AsNumber());
            if (answer[7].AsNumber() == 1)
                continue; // what has expired is not to be counted
            var (ready, scheduled, waiting, oldest) = (answer[0].AsNumber(), answer[1].AsNumber(), answer[2].AsNumber(), answer[5].AsNumber());
            return new ChannelStatus(
                channel.Name, ready, scheduled, Blocked: waiting - ready - scheduled, InFlight: answer[3].AsNumber(), Dead: answer[4].AsNumber(),
                oldest == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(oldest));
        }
    }

    private async Task<int> ForAllAsync(RedisScript script, ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        var done = 0;
        var ids = await IdsOfAsync(channel, filter, cancellationToken).ConfigureAwait(false);
        for (var from = 0; from < ids.Count;)
        {
            var page = ids.GetRange(from, Math.Min(Page, ids.Count - from));
            var writer = Channels.ChannelOf(channel).Begin(script, page.Count);
            foreach (var id in page)
                writer.Add(id);
            var answer = (await _store.Commands.ExecuteAsync(writer.Written).ConfigureAwait(false)).Items;
            done += (int)answer[0].AsNumber();
            from += (int)answer[1].AsNumber();
        }
        return done;
    }

    private async Task<List<byte[]>> IdsOfAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        cancellationToken.ThrowIfCancellationRequested(); // a wait for an answer that has come already does not look
        if (filter == DeadLetterFilter.All)
            return await AllIdsOfAsync(channel, cancellationToken).ConfigureAwait(false);
        List<byte[]> ids = [];
        await foreach (var (_, id) in DeadLettersOf(channel, filter, Page, cancellationToken).ConfigureAwait(false))
            ids.Add(id);
        return ids;
    }

    private async Task<List<byte[]>> AllIdsOfAsync(ChannelName channel, CancellationToken cancellationToken)
    {
        List<byte[]> all = [];
        while (true)
        {
            var range = RespWriter.Encode("ZRANGE", _store.Keys.Of(channel).Dead, $"{all.Count}", $"{all.Count + PageOfIds - 1}");
            var ids = (await _store.Commands.ExecuteAsync(range).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
            all.AddRange(ids.Select(static id => id.Bytes));
            if (ids.Length < PageOfIds)
                return all;
        }
    }

    // One that cannot be read fits no filter but the one that fits all, so that it can be purged, and replayed when its key is there again.
    private async IAsyncEnumerable<(DeadLetter? Letter, byte[] Id)> DeadLettersOf(
        ChannelName name, DeadLetterFilter filter, int limit, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (filter.Id is { } wanted)
        {
            if (await ReadOneAsync(name, wanted, cancellationToken).ConfigureAwait(false) is { Letter: var found } one && filter.Matches(found))
                yield return one;
            yield break;
        }
        var channel = new RedisChannel(name, _store, isTouched: true);
        for (var from = 0; ;)
        {
            // If it was not all, but some that are wanted, those before them have to be read, too.
            var letters = await ReadPageAsync(channel, from, filter == DeadLetterFilter.All ? Math.Min(limit, Page) : Page, cancellationToken).ConfigureAwait(false);
            if (letters.Length == 0)
                yield break;
            for (var i = 0; i < letters.Length; i += 2, from++)
            {
                if (letters[i + 1].IsNull)
                    continue;
                var letter = Read(letters[i + 1].Bytes, name);
                if (letter is null ? filter == DeadLetterFilter.All : filter.Matches(letter))
                    yield return (letter, letters[i].Bytes);
            }
        }
    }

    private async Task<(DeadLetter Letter, byte[] Id)?> ReadOneAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken)
    {
        var name = id.Value.ToByteArray(bigEndian: true);
        var writer = new RespWriter(3);
        writer.Add("HGET"u8);
        writer.Add(_store.Keys.Of(channel).Letters);
        writer.Add(name);
        var stored = await _store.Commands.ExecuteAsync(writer.Written).WaitAsync(cancellationToken).ConfigureAwait(false);
        return !stored.IsNull && Read(stored.Bytes, channel) is { } letter ? (letter, name) : null;
    }

    private async Task<RespValue[]> ReadPageAsync(RedisChannel channel, int from, int most, CancellationToken cancellationToken)
    {
        var writer = channel.Begin(RedisScript.Letters, arguments: 2);
        writer.Add(from);
        writer.Add(most);
        return (await _store.Commands.ExecuteAsync(writer.Written).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
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
}
