namespace Runnel.Bench;

/// <summary>How many messages a second go through the product, in and out.</summary>
internal static class Rates
{
    public const int ManyCallers = 128;
    public const int KeyCount = 1_000;

    /// <summary>Stores one message per call.</summary>
    public static async Task<Cost> EnqueueAsync(QueueStore store, int callers, int messages, CancellationToken cancellationToken)
    {
        await using var host = await QueueHost.CreateAsync(store, cancellationToken);
        return await Cost.OfAsync(messages, store, () => Callers.RunAsync(
            callers, messages, async _ => await host.Channels.SendAsync(QueueHost.Channel, BenchWork.Create(), cancellationToken: cancellationToken)));
    }

    /// <summary>Stores a hundred messages per call, by a few callers.</summary>
    public static async Task<Cost> EnqueueBulkAsync(QueueStore store, int messages, CancellationToken cancellationToken)
    {
        await using var host = await QueueHost.CreateAsync(store, cancellationToken);
        return await Cost.OfAsync(messages, store, () => host.FillAsync(messages, _ => BenchWork.Create(), _ => null, cancellationToken));
    }

    /// <summary>Handles what is there, until the last message is settled.</summary>
    public static async Task<Cost> ProcessAsync(QueueStore store, int messages, CancellationToken cancellationToken)
    {
        var handled = new Countdown(messages);
        await using var host = await QueueHost.CreateAsync(store, (BenchWork _) => handled.Signal(), cancellationToken);
        await host.FillAsync(messages, _ => BenchWork.Create(), _ => null, cancellationToken);
        return await Cost.OfAsync(messages, store, () => WorkAsync(host, handled, cancellationToken));
    }

    /// <summary>The same with keys: the messages of each key one after another, in the order sent.</summary>
    public static async Task<(Cost Cost, int Violations)> ProcessKeysAsync(QueueStore store, int messages, CancellationToken cancellationToken)
    {
        var handled = new Countdown(messages);
        var order = new KeyOrder(KeyCount);
        await using var host = await QueueHost.CreateAsync(store, (BenchWork work) => order.Handle(work, handled), cancellationToken);
        var keys = Enumerable.Range(0, KeyCount).Select(key => new SendOptions { Key = $"key-{key}" }).ToArray();
        // All of a key's messages by one caller, so that it is known in which order they were sent.
        await Callers.RunAsync(ManyCallers, KeyCount, async key =>
        {
            for (var number = 0; number < messages / KeyCount; number++)
                await host.Channels.SendAsync(QueueHost.Channel, BenchWork.Create(key: key, number: number), keys[key], cancellationToken);
        });
        var cost = await Cost.OfAsync(messages, store, () => WorkAsync(host, handled, cancellationToken));
        return (cost, order.Violations);
    }

    private static async Task WorkAsync(QueueHost host, Countdown handled, CancellationToken cancellationToken)
    {
        await host.StartWorkerAsync(cancellationToken);
        await handled.WaitAsync(cancellationToken);
        await host.StopWorkerAsync();
    }
}
