using System.Globalization;

namespace Runnel.Bench;

/// <summary>Everything in turn, round by round, each time on an empty store; the bare loop and the peer right after what they are compared with.</summary>
internal static class QueueRun
{
    public const string OneCaller = "enqueue, one caller", ManyCallers = "enqueue, 128 callers", Bulk = "enqueue, 100 a call",
        Process = "process, handler does nothing", Keys = "process, 1,000 keys";

    public const string Start = "enqueue → handler, one message a millisecond", Delays = "delays, 600 due a second", Burst = "10,000 due at once";

    private const string BarePrefix = "bare: ", PeerPrefix = "peer: ";

    public static string BareOf(string name) => BarePrefix + name;

    public static string PeerOf(string name) => PeerPrefix + name;

    public static async Task<QueueResults> RunAsync(QueueSettings settings, CancellationToken cancellationToken)
    {
        await using var store = await QueueStore.OpenAsync(settings.Layer, "everysec", cancellationToken);
        var results = new QueueResults { Scheme = store.Scheme, Durability = store.Durability, Server = store.Server, PeerName = store.Peer };
        await using var peer = store.Peer.Length > 0 ? await StartPeerAsync(store, results, cancellationToken) : null;
        await RoundAsync(store, peer, settings.Seconds, new QueueResults(), cancellationToken); // what is compiled once does not count
        for (var round = 0; round < settings.Rounds; round++)
        {
            await RoundAsync(store, peer, settings.Seconds, results, cancellationToken);
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"round {round + 1} of {settings.Rounds}"));
        }
        return results;
    }

    private static async Task<IQueuePeer?> StartPeerAsync(QueueStore store, QueueResults results, CancellationToken cancellationToken)
    {
        try
        {
            var peer = await store.StartPeerAsync(cancellationToken);
            results.Peer = $"The peer is {peer.Description}.";
            return peer;
        }
        catch (BenchException exception)
        {
            results.Peer = $"{store.Peer} is left out: {exception.Message}";
            await Console.Error.WriteLineAsync(results.Peer);
            return null;
        }
    }

    private static async Task RoundAsync(QueueStore store, IQueuePeer? peer, int seconds, QueueResults results, CancellationToken cancellationToken)
    {
        var sizes = store.Sizes;
        results.Add(OneCaller, await Rates.EnqueueAsync(store, callers: 1, sizes.OneCaller, cancellationToken));
        results.Add(ManyCallers, await Rates.EnqueueAsync(store, Rates.ManyCallers, sizes.ManyCallers, cancellationToken));
        results.Add(Bulk, await Rates.EnqueueBulkAsync(store, sizes.Bulk, cancellationToken));
        results.Add(Process, await Rates.ProcessAsync(store, sizes.Process, cancellationToken));
        await BareAsync(store, results, cancellationToken);
        if (peer is not null)
            await PeerAsync(peer, results, cancellationToken);

        var (keys, violations) = await Rates.ProcessKeysAsync(store, sizes.Keys, cancellationToken);
        results.Add(Keys, keys);
        results.Violations += violations;

        results.Add(Start, await Latencies.StartAsync(store, seconds, cancellationToken));
        if (peer is not null)
            results.Add(PeerOf(Start), await peer.StartAsync(seconds * Latencies.PerSecond, cancellationToken));
        results.Add(Delays, await Latencies.DelaysAsync(store, seconds, cancellationToken));
        results.Add(Burst, await Latencies.BurstAsync(store, cancellationToken));
    }

    private static async Task BareAsync(QueueStore store, QueueResults results, CancellationToken cancellationToken)
    {
        var sizes = store.Sizes;
        await MeasureAsync(OneCaller, sizes.OneCaller, bare => bare.EnqueueAsync(1, sizes.OneCaller));
        await MeasureAsync(ManyCallers, sizes.BareManyCallers, bare => bare.EnqueueAsync(Rates.ManyCallers, sizes.BareManyCallers));
        await MeasureAsync(Bulk, sizes.Bulk, bare => bare.EnqueueBulkAsync(sizes.Bulk));
        await MeasureAsync(Process, sizes.Process, bare => bare.ProcessAsync(sizes.Process), fill: sizes.Process);

        async Task MeasureAsync(string name, int messages, Func<IBareStore, Task> act, int fill = 0)
        {
            await using var bare = await store.NewBareAsync(cancellationToken);
            await bare.EnqueueBulkAsync(fill);
            results.Add(BareOf(name), await Cost.OfAsync(messages, store, () => act(bare)));
        }
    }

    private static async Task PeerAsync(IQueuePeer peer, QueueResults results, CancellationToken cancellationToken)
    {
        results.Add(PeerOf(OneCaller), await peer.EnqueueAsync(callers: 1, peer.Sizes.OneCaller, cancellationToken));
        results.Add(PeerOf(ManyCallers), await peer.EnqueueAsync(Rates.ManyCallers, peer.Sizes.ManyCallers, cancellationToken));
        results.Add(PeerOf(Bulk), await peer.EnqueueBulkAsync(peer.Sizes.Bulk, cancellationToken));
        results.Add(PeerOf(Process), await peer.ProcessAsync(peer.Sizes.Process, cancellationToken));
    }
}
