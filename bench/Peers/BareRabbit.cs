using System.Threading.RateLimiting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Runnel.Bench;

/// <summary>RabbitMQ.Client as its own documentation shows it, with what the product promises: a quorum queue, persistent messages, confirms that are awaited, one acknowledgement for each message.</summary>
internal sealed class BareRabbit : IBareStore
{
    /// <summary>As many messages may be unconfirmed, and as many handed out and not acknowledged, as with the product.</summary>
    private const int Window = 1_000;

    private static readonly byte[] Body = new byte[BenchWork.Length];
    private static readonly BasicProperties Properties = new() { Persistent = true };

    private readonly IConnection _publishing;
    private readonly IConnection _consuming;
    private readonly IChannel _channel;
    private readonly RateLimiter _window;
    private readonly string _queue;

    private BareRabbit(IConnection publishing, IConnection consuming, IChannel channel, RateLimiter window, string queue) =>
        (_publishing, _consuming, _channel, _window, _queue) = (publishing, consuming, channel, window, queue);

    public static async Task<BareRabbit> OpenAsync(RabbitPlace place, CancellationToken cancellationToken)
    {
        var publishing = await BenchRabbit.ConnectAsync(place.Address, cancellationToken);
        // Not the client's own limiter, which slows publishers down long before its limit.
        var window = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = Window, QueueLimit = int.MaxValue });
        var confirming = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: window);
        var channel = await publishing.CreateChannelAsync(confirming, cancellationToken);
        var queue = $"{place.Prefix}.bare";
        await channel.QueueDeclareAsync(
            queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellationToken);
        return new BareRabbit(publishing, await BenchRabbit.ConnectAsync(place.Address, cancellationToken), channel, window, queue);
    }

    public Task EnqueueAsync(int callers, int messages) => Callers.RunAsync(callers, messages, async _ => await PublishAsync());

    public Task EnqueueBulkAsync(int messages) =>
        Callers.RunAsync(QueueHost.BulkCallers, messages / QueueHost.Batch, _ => Task.WhenAll(Enumerable.Range(0, QueueHost.Batch).Select(_ => PublishAsync().AsTask())));

    public async Task ProcessAsync(int messages)
    {
        var handled = new Countdown(messages);
        await using var channel = await _consuming.CreateChannelAsync();
        await channel.BasicQosAsync(0, Window, global: false);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivered) =>
        {
            await channel.BasicAckAsync(delivered.DeliveryTag, multiple: false);
            await handled.Signal();
        };
        await channel.BasicConsumeAsync(_queue, autoAck: false, consumer);
        await handled.WaitAsync(CancellationToken.None);
        await channel.CloseAsync(); // answered when the acknowledgements before it are taken
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.QueueDeleteAsync(_queue);
        await _publishing.DisposeAsync();
        await _consuming.DisposeAsync();
        await _window.DisposeAsync();
    }

    private ValueTask PublishAsync() => _channel.BasicPublishAsync("", _queue, mandatory: true, Properties, Body);
}
