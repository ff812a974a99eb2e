namespace Runnel.Bench;

/// <summary>BullMQ on the same Redis: <c>Peers/bullmq/peer.mjs</c> in a process of Node, its packages installed beside it when they are first needed.</summary>
internal sealed class BullMQ : IQueuePeer
{
    public const string Name = "BullMQ";

    private const string Script = "peer.mjs";

    private readonly RedisQueueStore _store;
    private readonly ChildProcess _node;

    private BullMQ(RedisQueueStore store, ChildProcess node, string description) => (_store, _node, Description) = (store, node, description);

    public QueueSizes Sizes { get; } = new(OneCaller: 5_000, ManyCallers: 20_000, Bulk: 40_000, Process: 20_000, Keys: 0, BareManyCallers: 0);

    public string Description { get; }

    /// <exception cref="BenchException">It cannot run here; why not is the message.</exception>
    public static async Task<BullMQ> StartAsync(RedisQueueStore store, CancellationToken cancellationToken)
    {
        if (!Programs.IsThere("node") || !Programs.IsThere("npm"))
            throw new BenchException("it needs Node 20 or later with npm, which this machine does not have.");
        var folder = FindFolder();
        await NodePackages.InstallAsync(folder, cancellationToken);
        var node = ChildProcess.StartOther("node", Path.Combine(folder, Script));
        try
        {
            return new BullMQ(store, node, await node.AskAsync<string>(cancellationToken, "about"));
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public Task<Cost> EnqueueAsync(int callers, int messages, CancellationToken cancellationToken) =>
        AskAsync<Cost>("enqueue", [callers, messages], cancellationToken);

    public Task<Cost> EnqueueBulkAsync(int messages, CancellationToken cancellationToken) =>
        AskAsync<Cost>("bulk", [messages], cancellationToken);

    public Task<Cost> ProcessAsync(int messages, CancellationToken cancellationToken) =>
        AskAsync<Cost>("process", [messages], cancellationToken);

    public Task<Lateness> StartAsync(int messages, CancellationToken cancellationToken) =>
        AskAsync<Lateness>("latency", [messages], cancellationToken);

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private async Task<T> AskAsync<T>(string verb, int[] numbers, CancellationToken cancellationToken) =>
        await _node.AskAsync<T>(cancellationToken, [verb, await _store.NewAddressAsync(cancellationToken), .. numbers]);

    // The work tree's, since packages are not installed among what a build makes.
    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var found = Path.Combine(folder.FullName, "Peers", "bullmq");
            if (File.Exists(Path.Combine(found, Script)))
                return found;
        }
        throw new BenchException("its program is in the work tree, and the bench runs elsewhere.");
    }
}
