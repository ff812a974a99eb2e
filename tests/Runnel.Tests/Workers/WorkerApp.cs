using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Runnel.Workers.Running;

namespace Runnel.Tests.Workers;

/// <summary>One process of an application with channels: a host of its own on a layer that others may share.</summary>
internal sealed class WorkerApp : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _started;

    public WorkerApp(
        IBackplane backplane, IWorkQueue queue, TimeProvider timeProvider, Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(Log);
        builder.Services.AddSingleton(timeProvider);
        builder.Services.AddSingleton(backplane);
        builder.Services.AddSingleton(queue);
        if (queue is IWorkQueueOperator queueOperator)
            builder.Services.AddSingleton(queueOperator);
        var runnel = builder.Services.AddRunnelCore().AddRunnelWorkers();
        if (worker is not null)
            runnel.ConfigureWorker(worker);
        services?.Invoke(builder.Services);
        _host = builder.Build();
        map(_host);
    }

    public RecordedLog Log { get; } = new();

    public IServiceProvider Services => _host.Services;

    public IChannels Channels => Services.GetRequiredService<IChannels>();

    public IJobs Jobs => Services.GetRequiredService<IJobs>();

    public IWorkQueueOperator Operator => Services.GetRequiredService<IWorkQueueOperator>();

    public int RunningJobs => Services.GetServices<IHostedService>().OfType<WorkerService>().Single().Running.Count;

    public async Task StartAsync()
    {
        await Wait.For(_host.StartAsync(), "the application to start");
        _started = true;
    }

    /// <summary>Has a short payment handled and a long one begun, so that the worker takes more than it runs.</summary>
    /// <param name="began">What its handlers began.</param>
    /// <returns>The long one.</returns>
    public async Task<SentMessage> BeginLongAsync<T>(Inbox<T> began)
    {
        await Channels.SendAsync("payments", new Pay("short"));
        await began.NextAsync();
        var sent = await Channels.SendAsync("payments", new Pay("long"));
        await began.NextAsync();
        return sent;
    }

    public Task StopAsync()
    {
        _started = false;
        return _host.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_started)
            await Wait.For(StopAsync(), "the application to stop");
        _host.Dispose();
    }
}

/// <summary>What handlers saw, in order; a test waits for the next.</summary>
internal sealed class Inbox<T>
{
    private readonly System.Threading.Channels.Channel<T> _items = System.Threading.Channels.Channel.CreateUnbounded<T>();

    public int Count => _items.Reader.Count;

    public void Add(T item) => _items.Writer.TryWrite(item);

    public Task<T> NextAsync() => Wait.For(_items.Reader.ReadAsync().AsTask(), "what a handler sees next");

    public async Task<List<T>> NextAsync(int count)
    {
        List<T> items = [];
        while (items.Count < count)
            items.Add(await NextAsync());
        return items;
    }
}

[MessageType("pay")]
internal sealed record Pay(string Order);

[MessageType("refund")]
internal sealed record Refund(string Order, int Cents);
