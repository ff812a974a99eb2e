using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore.Sockets;

/// <summary>Pings sockets that are silent, cuts those that stay so, and those that do not take what is written to them: one timer for all of them.</summary>
internal sealed class KeepAliveService(RunnelNode node, NodeContext context, IOptions<GatewayOptions> options) : BackgroundService
{
    private static readonly Frame Ping = Frame.Of(FrameKind.Ping, []);

    private PeriodicTimer? _timer;

    // The loop begins some time later; its time begins now.
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = new PeriodicTimer(options.Value.KeepAliveInterval / 2, context.TimeProvider);
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _timer?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _timer!.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(static tick => tick.IsCompletedSuccessfully && tick.Result, TaskScheduler.Default))
        {
            foreach (var connection in node.Connections)
                Look(connection);
        }
    }

    private void Look(Connection connection)
    {
        // One that is closing has its own bound (CloseTimeout), and one that was cut is on its way out.
        if (connection is not WebSocketConnection { Carrier: { } carrier, Outbound.IsClosed: false } socket)
            return;
        var silence = context.TimeProvider.GetElapsedTime(carrier.LastReadAt);
        if (carrier.StalledSince is > 0 and var since && context.TimeProvider.GetElapsedTime(since) >= options.Value.KeepAliveTimeout)
        {
            // Even while its consumer works: most likely the consumer waits to send, and nothing else would end that wait.
            Log.TakesNothing(context.Logger, connection);
            GatewayMetrics.ConnectionWasCut("stalled");
            connection.Abort();
        }
        else if (silence >= options.Value.KeepAliveTimeout && !socket.IsHandling)
        {
            Log.Silent(context.Logger, connection);
            GatewayMetrics.ConnectionWasCut("silent");
            connection.Abort();
        }
        else if (silence >= options.Value.KeepAliveInterval)
        {
            socket.Outbound.SendIfIdle(Ping);
        }
    }
}
