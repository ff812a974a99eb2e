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
        foreach (var service in hosted.OfType<IHostedLifecycleService>())
            await service.StartedAsync(cancellationToken);
        (lifetime as Microsoft.Extensions.Hosting.Internal.ApplicationLifetime)?.NotifyStarted();

        var failure = WatchAsync(hosted.OfType<BackgroundService>(), lifetime);
        await WaitForStopAsync(lifetime, cancellationToken);

        using var limit = new CancellationTokenSource(services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
        List<Exception> failures = [];
        foreach (var service in hosted.OfType<IHostedLifecycleService>().Reverse())
            await TryAsync(service.StoppingAsync);
        foreach (var service in Enumerable.Reverse(hosted))
            await TryAsync(service.StopAsync);
        foreach (var service in hosted.OfType<IHostedLifecycleService>().Reverse())
            await TryAsync(service.StoppedAsync);
        (lifetime as Microsoft.Extensions.Hosting.Internal.ApplicationLifetime)?.NotifyStopped();
        await signals.StopAsync(limit.Token);
        if (failure.IsCompleted && await failure is { } first)
            failures.Insert(0, first);
        if (failures.Count > 0)
            throw new AggregateException(failures);

        // One that fails must not keep the others from handing back their work.
        async Task TryAsync(Func<CancellationToken, Task> stop)
        {
            try
            {
                await stop(limit.Token);
            }
            catch (Exception exception)
            {
                failures.Add(exception);
            }
        }
    }

    // A service that has failed ends the process, as it does in a host: a worker that only seems to work is worse than none.
    private static async Task<Exception?> WatchAsync(IEnumerable<BackgroundService> services, IHostApplicationLifetime lifetime)
    {
        var running = services.Select(service => service.ExecuteTask).OfType<Task>().ToList();
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running);
            running.Remove(ended);
            if (!ended.IsFaulted)
                continue;
            lifetime.StopApplication();
            return ended.Exception.InnerException;
        }
        return null;
    }

    private static async Task WaitForStopAsync(IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var byLifetime = lifetime.ApplicationStopping.Register(stopping.SetResult);
        using var byCaller = cancellationToken.Register(lifetime.StopApplication);
        await stopping.Task;
    }
}
