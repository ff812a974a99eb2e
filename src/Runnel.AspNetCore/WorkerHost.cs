using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore;

/// <summary>Runs an application's services without its web server: what <c>runworker</c> is.</summary>
/// <remarks>A web application's own host cannot leave its server out, and a worker must not take the port of the gateway beside it.</remarks>
internal static class WorkerHost
{
    private const string WebServerAssembly = "Microsoft.AspNetCore.Hosting";

    /// <summary>Starts the services, waits for the signal to stop, and stops them in the reverse order, within the host's shutdown timeout.</summary>
    public static async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var lifetime = services.GetRequiredService<IHostApplicationLifetime>();
        var signals = services.GetRequiredService<IHostLifetime>();
        services.GetService<IStartupValidator>()?.Validate();
        var hosted = services.GetServices<IHostedService>().Where(service => service.GetType().Assembly.GetName().Name != WebServerAssembly).ToList();

        await signals.WaitForStartAsync(cancellationToken);
        foreach (var service in hosted.OfType<IHostedLifecycleService>())
            await service.StartingAsync(cancellationToken);
        foreach (var service in hosted)
            await service.StartAsync(cancellationToken);
        (lifetime as Microsoft.Extensions.Hosting.Internal.ApplicationLifetime)?.NotifyStarted();

        await WaitForStopAsync(lifetime, cancellationToken);

        using var limit = new CancellationTokenSource(services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
        foreach (var service in Enumerable.Reverse(hosted))
            await service.StopAsync(limit.Token);
        foreach (var service in hosted.OfType<IHostedLifecycleService>().Reverse())
            await service.StoppedAsync(limit.Token);
        (lifetime as Microsoft.Extensions.Hosting.Internal.ApplicationLifetime)?.NotifyStopped();
        await signals.StopAsync(limit.Token);
    }

    private static async Task WaitForStopAsync(IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var byLifetime = lifetime.ApplicationStopping.Register(stopping.SetResult);
        using var byCaller = cancellationToken.Register(lifetime.StopApplication);
        await stopping.Task;
    }
}
