using Microsoft.Extensions.Hosting;

namespace Runnel.TestApp;

/// <summary>A service that fails, or does not end well.</summary>
internal sealed class MisbehavingService(string how, IHostApplicationLifetime lifetime) : BackgroundService
{
    public override Task StopAsync(CancellationToken cancellationToken) => how switch
    {
        "stops-slowly" or "two-stop-slowly" => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken),
        "stops-badly" => throw new IOException("The disk is gone."),
        _ => base.StopAsync(cancellationToken),
    };

    public override void Dispose()
    {
        base.Dispose();
        if (how == "closes-badly")
            throw new TimeZoneNotFoundException("The disk is gone.");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (how == "never-ends")
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
        if (how != "fails")
            return;
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, lifetime.ApplicationStarted).ContinueWith(static _ => { }, TaskScheduler.Default);
        throw new TimeZoneNotFoundException("The disk is gone.");
    }
}
