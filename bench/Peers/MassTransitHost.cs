using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;

namespace Runnel.Bench;

/// <summary>An application with MassTransit: it sends to one queue, and, given a handler, consumes from it.</summary>
internal sealed class MassTransitHost : IAsyncDisposable
{
    /// <summary>How many messages its consumer handles at a time; 10, as many as a channel of the product, cost it more.</summary>
    public const int Concurrency = 100;

    /// <summary>As many as the broker hands out to a worker of the product.</summary>
    public const int Prefetch = 1_000;

    private readonly IHost _host;
    private readonly string _queue;
    private ISendEndpoint? _endpoint;

    private MassTransitHost(IHost host, string queue) => (_host, _queue) = (host, queue);

    /// <summary>Creates the application; it consumes as soon as it is started.</summary>
    public static MassTransitHost Create(RabbitPlace place, Func<BenchWork, Task>? handler)
    {
        var queue = QueueOf(place);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        if (handler is not null)
            builder.Services.AddSingleton(handler);
        builder.Services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = true);
        builder.Services.AddMassTransit(bus =>
        {
            if (handler is not null)
                bus.AddConsumer<BenchWorkConsumer>();
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(new Uri(place.Address));
                if (handler is null)
                    return;
                rabbit.ReceiveEndpoint(queue, endpoint =>
                {
                    endpoint.SetQuorumQueue();
                    endpoint.ConfigureConsumeTopology = false; // only what is sent to the queue
                    (endpoint.PrefetchCount, endpoint.ConcurrentMessageLimit) = (Prefetch, Concurrency);
                    endpoint.ConfigureConsumer<BenchWorkConsumer>(context);
                });
            });
        });
        return new MassTransitHost(builder.Build(), queue);
    }

    /// <summary>Makes what its receive endpoint would make, so that there can be messages before anybody consumes.</summary>
    public static Task DeclareAsync(RabbitPlace place, CancellationToken cancellationToken) => OnChannelAsync(place, async channel =>
    {
        var queue = QueueOf(place);
        await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true, cancellationToken: cancellationToken);
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue, queue, "", cancellationToken: cancellationToken);
    });

    /// <summary>Leaves nothing behind.</summary>
    public static Task DeleteAsync(RabbitPlace place) => OnChannelAsync(place, async channel =>
    {
        await channel.QueueDeleteAsync(QueueOf(place));
        await channel.ExchangeDeleteAsync(QueueOf(place));
    });

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _host.StartAsync(cancellationToken);
        _endpoint = await _host.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{_queue}"));
    }

    /// <summary>Lets the consumers finish, and settles.</summary>
    public Task StopAsync() => _host.StopAsync();

    public Task SendAsync(BenchWork work) => _endpoint!.Send(work);

    /// <summary>A hundred messages a call, from a few callers.</summary>
    public Task SendManyAsync(int messages) => Callers.RunAsync(
        QueueHost.BulkCallers, messages / QueueHost.Batch, _ => _endpoint!.SendBatch(Enumerable.Range(0, QueueHost.Batch).Select(_ => BenchWork.Create())));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    private static string QueueOf(RabbitPlace place) => $"{place.Prefix}.masstransit";

    private static async Task OnChannelAsync(RabbitPlace place, Func<IChannel, Task> act)
    {
        await using var connection = await BenchRabbit.ConnectAsync(place.Address, CancellationToken.None);
        await using var channel = await connection.CreateChannelAsync();
        await act(channel);
    }
}
