using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>The product as an application has it, on a store of its own: a generic host, one channel, and a worker that begins when it is told to.</summary>
internal sealed class QueueHost : IAsyncDisposable
{
    private readonly IHost _host;

    private QueueHost(IHost host)
    {
        _host = host;
        Channels = host.Services.GetRequiredService<IChannels>();
    }

    public static ChannelName Channel { get; } = new("bench");

    public IChannels Channels { get; }

    public static async Task<QueueHost> CreateAsync(QueueStore store, Delegate handler, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().UseLayer(await store.NewAddressAsync(cancellationToken)).AddRunnelWorkers();
        var host = builder.Build();
        // The defaults, but for the keys and the capacity: what the channel holds before the worker begins is more than it usually may.
        host.MapChannel(Channel, handler, options => (options.Ordered, options.Capacity) = (true, int.MaxValue));
        return new QueueHost(host);
    }

    /// <summary>A host that only stores: its worker is never started.</summary>
    public static Task<QueueHost> CreateAsync(QueueStore store, CancellationToken cancellationToken) =>
        CreateAsync(store, (BenchWork _) => Task.CompletedTask, cancellationToken);

    public Task StartWorkerAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    /// <summary>Lets the worker finish and settle.</summary>
    public Task StopWorkerAsync() => _host.StopAsync();

    /// <summary>Puts messages there, a hundred at a time from a few callers.</summary>
    public Task FillAsync(int count, Func<int, BenchWork> create, Func<int, SendOptions?> options, CancellationToken cancellationToken) =>
        Callers.RunAsync(BulkCallers, count / Batch, async batch =>
        {
            var numbers = Enumerable.Range(batch * Batch, Batch);
            // Options are one for all of a batch; with keys they differ from message to message.
            if (options(0)?.Key is null)
                await Channels.SendManyAsync(Channel, numbers.Select(create), options(0), cancellationToken);
            else
                await Task.WhenAll(numbers.Select(number => Channels.SendAsync(Channel, create(number), options(number), cancellationToken).AsTask()));
        });

    public const int Batch = 100;
    public const int BulkCallers = 8;

    public async ValueTask DisposeAsync()
    {
        if (_host is IAsyncDisposable asynchronously)
            await asynchronously.DisposeAsync();
        else
            _host.Dispose();
    }
}
