using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Runnel.Bench;

/// <summary>What one writes without a library for several nodes: <c>PUBLISH</c> here, and there a loop of <c>await socket.SendAsync</c> for each message that comes.</summary>
internal sealed class BareRedisTarget(string address) : BackgroundService, IFanoutTarget
{
    private const string Topic = "bench";

    private readonly BareWebSocketTarget _sockets = new();
    private RespConnection? _publisher;
    private RespConnection? _subscriber;

    public void AddServices(IServiceCollection services) => services.AddHostedService(_ => this);

    public void Map(WebApplication app) => _sockets.Map(app);

    /// <summary>On the caller's thread: nothing is gathered, and nobody waits for Redis's answer.</summary>
    public Task PublishAsync(string message)
    {
        _publisher!.Add(RespConnection.Encode("PUBLISH", Topic, message));
        _publisher.Flush();
        return Task.CompletedTask;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _publisher = await RespConnection.ConnectAsync(address, cancellationToken);
        _subscriber = await RespConnection.ConnectAsync(address, cancellationToken);
        await _subscriber.AskAsync(cancellationToken, "SUBSCRIBE", Topic);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _publisher?.Dispose();
        _subscriber?.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(RelayAsync(stoppingToken), SkipAnswersAsync(stoppingToken));

    private async Task RelayAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = await _subscriber!.ReadAsync(cancellationToken); // "message", the topic, the text
            await _sockets.SendAsync(message.Items![2].Bytes);
        }
    }

    private async Task SkipAnswersAsync(CancellationToken cancellationToken)
    {
        while (true)
            await _publisher!.ReadAsync(cancellationToken);
    }
}
