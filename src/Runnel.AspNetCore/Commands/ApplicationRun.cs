using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore.Commands;

/// <summary>Runs an application from its start to its end, and tells an end that is bad from a good one: a host ends a failed application as if nothing were wrong.</summary>
internal static class ApplicationRun
{
    /// <summary>Starts the host, waits for the signal to stop, and stops it.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="host">What runs them.</param>
    /// <param name="cancellationToken">Stops the application.</param>
    /// <exception cref="InvalidOperationException">The application ended badly. The message is a sentence that says why.</exception>
    public static async Task RunAsync(IServiceProvider services, IHost host, CancellationToken cancellationToken)
    {
        // Asked for now: tests that run the application in their own process dispose of the services when it ends.
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var layer = services.GetRequiredService<ConfiguredLayer>();
        var options = services.GetRequiredService<IOptions<HostOptions>>().Value;
        var background = services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
        Exception? failure = null;
        try
        {
            await StartAsync(host, stopping, cancellationToken);
            await host.WaitForShutdownAsync(cancellationToken);
        }
        catch (Exception exception) when (stopping.IsCancellationRequested)
        {
            failure = exception;
        }
        if ((layer.Failure ?? WhyBad(background, options, failure)) is { } why)
            throw new InvalidOperationException(why, failure);
    }

    // One that is told to stop while it starts breaks off. What has started is stopped like any other application.
    private static async Task StartAsync(IHost host, CancellationToken stopping, CancellationToken cancellationToken)
    {
        try
        {
            await host.StartAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    private static string? WhyBad(List<BackgroundService> background, HostOptions options, Exception? failure)
    {
        // A host that has several reasons wraps them: those that were only too slow say less than another.
        if (failure is AggregateException several)
            failure = several.InnerExceptions.FirstOrDefault(static one => one is not OperationCanceledException) ?? several.InnerExceptions[0];
        if (options.BackgroundServiceExceptionBehavior != BackgroundServiceExceptionBehavior.Ignore && background.Find(service => service.ExecuteTask is { IsFaulted: true }) is { } failed)
            return $"The application stopped because its service {failed.GetType().Name} failed: {failed.ExecuteTask!.Exception!.InnerException!.Message}";

        var working = background.Where(service => service.ExecuteTask is { IsCompleted: false }).Select(service => service.GetType().Name).ToList();
        if (working.Count > 0 || failure is OperationCanceledException)
        {
            return $"The application did not end within {options.ShutdownTimeout}. {(working.Count > 0 ? $"Still working: {string.Join(", ", working)}. " : "")}"
                + "Let services end when they are told to, or raise HostOptions.ShutdownTimeout.";
        }
        return failure is null ? null : $"The application has stopped, but not well: {failure.Message}";
    }
}
