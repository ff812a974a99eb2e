using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Runnel.Bench;

/// <summary>What one writes without a library for several nodes: <c>BasicPublishAsync</c> here, without confirms, and there an exclusive classic queue and a loop of <c>await socket.SendAsync</c> for each message that comes.</summary>
internal sealed class BareRabbitTarget(string layer) : IHostedService, IFanoutTarget
{
    private const string Topic = "bench";

    private readonly string _address = layer.Split('?')[0];
    private readonly string _exchange = $"{layer.Split("prefix=")[1]}.bare";
    private readonly BareWebSocketTarget _sockets = new();
    private IConnection? _publishing;
    private IConnection? _hearing;
    private IChannel? _publisher;

    public void AddServices(IServiceCollection services) => services.AddHostedService(_ => this);

    public void Map(WebApplication app) => _sockets.Map(app);

    /// <summary>Nobody waits for the broker's answer.</summary>
    public Task PublishAsync(string message) => _publisher!.BasicPublishAsync(_exchange, Topic, Encoding.UTF8.GetBytes(message)).AsTask();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _publishing = await BenchRabbit.ConnectAsync(_address, cancellationToken);
        _publisher = await _publishing.CreateChannelAsync(cancellationToken: cancellationToken);
        await _publisher.ExchangeDeclareAsync(_exchange, ExchangeType.Direct, durable: false, autoDelete: true, cancellationToken: cancellationToken);

        _hearing = await BenchRabbit.ConnectAsync(_address, cancellationToken);
        var channel = await _hearing.CreateChannelAsync(cancellationToken: cancellationToken);
        var queue = (await channel.QueueDeclareAsync(cancellationToken: cancellationToken)).QueueName; // classic, exclusive, its messages in memory
        await channel.QueueBindAsync(queue, _exchange, Topic, cancellationToken: cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivered) => _sockets.SendAsync(delivered.Body); // the body is the client's until the last socket has it
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer, cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _hearing!.DisposeAsync();
        await _publishing!.DisposeAsync();
    }
}
