using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore.Commands;
using Runnel.AspNetCore.Handover;
using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>A worker in the process of the tests: an application without its server, as <c>runworker</c> runs it.</summary>
internal sealed class WorkerHere : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Task _running;

    private WorkerHere(WebApplication app)
    {
        _app = app;
        app.Services.GetRequiredService<MappedConsumers>().Use(app);
        _running = WorkerHost.RunAsync(app.Services, CancellationToken.None);
    }

    public IServiceProvider Services => _app.Services;

    public static async Task<WorkerHere> StartAsync(WebApplication app)
    {
        var worker = new WorkerHere(app);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested || worker._running.IsCompleted, "the worker has started");
        if (worker._running.IsFaulted)
            await worker._running;
        return worker;
    }

    /// <summary>As SIGTERM does.</summary>
    public async Task StopAsync()
    {
        _app.Lifetime.StopApplication();
        try
        {
            await Wait.For(_running, "the worker to end");
        }
        catch (TimeoutException) when (Services.GetRequiredService<TimeProvider>() is ManualTimeProvider clock)
        {
            // The test has failed. But a worker that waits for a clock that nobody moves would drop messages some time later, while another test counts them.
            await clock.MoveUntil(TimeSpan.FromSeconds(1), () => _running.IsCompleted, "the worker has ended, with time passing");
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await using var app = _app;
        await StopAsync();
    }
}
