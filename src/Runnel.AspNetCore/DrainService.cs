using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Sockets;

namespace Runnel.AspNetCore;

/// <summary>Takes this node out of service when the application stops: says so, then closes its connections one after another, and cuts those that do not close.</summary>
/// <remarks>The server listens until this has ended, so a load balancer gets an answer, and requests that are no connections are served as before.</remarks>
internal sealed class DrainService(
    Drain drain,
    GatewayRole role,
    RunnelNode node,
    NodeContext context,
    ConnectionLimits limits,
    IOptions<GatewayOptions> gateway,
    IOptions<HostOptions> host,
    IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    // Few connections are no burden to the other nodes, and nobody should wait for them.
    private const int LeastPerSecond = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan HostMargin = TimeSpan.FromSeconds(5);

    private Task _draining = Task.CompletedTask;

    /// <summary>How long the host has to wait for a node to leave.</summary>
    private static TimeSpan HostTimeOf(GatewayOptions gateway, RunnelOptions runnel) => gateway.DrainDelay + gateway.DrainTime + runnel.ShutdownTimeout + HostMargin;

    /// <summary>Lets the host wait long enough.</summary>
    public static void GiveTime(HostOptions host, IOptions<GatewayOptions> gateway, IOptions<RunnelOptions> runnel)
    {
        try
        {
            var needed = HostTimeOf(gateway.Value, runnel.Value);
            host.ShutdownTimeout = host.ShutdownTimeout > needed ? host.ShutdownTimeout : needed;
        }
        catch (OptionsValidationException)
        {
            // The host is built before it starts, and the start says what is wrong with them.
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _draining = DrainAsync());
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        // Registration has raised it. Somebody has set it after that.
        var needed = HostTimeOf(gateway.Value, context.Options);
        if (role.Roles != NodeRoles.None && host.Value.ShutdownTimeout < needed)
            Log.HostIsImpatient(context.Logger, host.Value.ShutdownTimeout, needed);
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication(); // a signal says it before this, and a host that is stopped by a call only after it
        try
        {
            await _draining.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Cut();
            throw;
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task DrainAsync()
    {
        drain.Begin();
        if (role.Roles == NodeRoles.None)
            return; // a worker has no clients
        if (gateway.Value.DrainDelay is var delay && delay > TimeSpan.Zero)
        {
            Log.Leaving(context.Logger, delay);
            await Task.Delay(delay, context.TimeProvider);
        }
        drain.BeginClosing();
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // the rest takes time, and this may be the thread of a signal
        await CloseInTurnAsync();
        try
        {
            // Written is not read: a connection that is cut at once resets, and its client would never see why.
            await limits.EmptiedAsync().WaitAsync(context.Options.ShutdownTimeout, context.TimeProvider);
        }
        catch (TimeoutException)
        {
            Log.ClosingTookTooLong(context.Logger, limits.Count, context.Options.ShutdownTimeout);
            Cut();
        }
    }

    private async Task CloseInTurnAsync()
    {
        // A stream of a shared socket ends with its socket. What connects at this moment closes when it has connected.
        List<Action> open =
        [
            .. node.Connections.OfType<WebSocketConnection>().Select(static socket => (Action)(() => _ = socket.CloseAsync(CloseCode.ServiceRestart, "The server is restarting."))),
            .. drain.Streams.Select(static stream => (Action)(() => stream.TrySetResult())),
        ];
        var longest = TimeSpan.FromSeconds(open.Count / (double)LeastPerSecond);
        var time = gateway.Value.DrainTime < longest ? gateway.Value.DrainTime : longest;
        if (open.Count > 0)
            Log.Closing(context.Logger, open.Count, time);

        var begun = context.TimeProvider.GetTimestamp();
        for (var closed = 0; ;)
        {
            // Who is due until the end of the next pause.
            var share = time > TimeSpan.Zero ? (context.TimeProvider.GetElapsedTime(begun) + Pause) / time : 1;
            for (var due = Math.Min(open.Count, (int)Math.Ceiling(open.Count * share)); closed < due; closed++)
                open[closed]();
            if (closed == open.Count)
                return;
            await Task.Delay(Pause, context.TimeProvider);
        }
    }

    private void Cut()
    {
        foreach (var socket in node.Connections.OfType<WebSocketConnection>())
            socket.Abort();
    }
}
