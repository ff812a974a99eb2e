using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Commands;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>How the commands run an application's services.</summary>
public sealed class WorkerHostTests : IDisposable
{
    private readonly WebApplicationBuilder _builder = WebApplication.CreateSlimBuilder();
    private readonly IdleServer _server = new();

    public WorkerHostTests()
    {
        _builder.Logging.ClearProviders();
        _builder.Services.AddSingleton<IServer>(_server);
        _builder.Services.AddRunnelCore();
    }

    [Fact]
    public async Task A_worker_runs_the_services_as_a_host_does_and_leaves_the_server_out()
    {
        _builder.Services.AddHostedService<Diary>();
        await using var app = _builder.Build();
        var diary = app.Services.GetServices<IHostedService>().OfType<Diary>().Single();

        var running = WorkerHost.RunAsync(app.Services, CancellationToken.None);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested, "the worker has started");
        app.Lifetime.StopApplication();
        await Wait.For(running, "the worker to end");

        Assert.Equal(["starting", "start", "started", "stopping", "stop", "stopped"], diary.Entries);
        Assert.True(app.Lifetime.ApplicationStopped.IsCancellationRequested);
        Assert.Equal(0, _server.Starts);
    }

    [Fact]
    public async Task A_worker_whose_service_fails_stops_the_others_and_says_why()
    {
        _builder.Services.AddHostedService<Diary>();
        _builder.Services.AddHostedService<Failing>();
        await using var app = _builder.Build();
        var diary = app.Services.GetServices<IHostedService>().OfType<Diary>().Single();

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Wait.For(WorkerHost.RunAsync(app.Services, CancellationToken.None), "the worker to end"));

        Assert.Equal("The application stopped because its service Failing failed: The disk is gone.", failure.Message);
        Assert.Equal("stopped", diary.Entries[^1]);
    }

    [Fact]
    public async Task A_worker_that_ignores_the_failure_of_a_service_goes_on_and_ends_well()
    {
        _builder.Services.Configure<HostOptions>(host => host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);
        _builder.Services.AddHostedService<Failing>();
        await using var app = _builder.Build();
        var failing = app.Services.GetServices<IHostedService>().OfType<Failing>().Single();

        var running = WorkerHost.RunAsync(app.Services, CancellationToken.None);
        await Wait.Until(() => failing.ExecuteTask is { IsFaulted: true }, "the service to fail");
        app.Lifetime.StopApplication();
        await Wait.For(running, "the worker to end");

        Assert.True(app.Lifetime.ApplicationStopped.IsCancellationRequested);
    }

    [Fact]
    public async Task A_worker_that_is_told_to_stop_while_it_starts_stops_what_has_started_and_ends_well()
    {
        _builder.Services.AddHostedService<Diary>();
        _builder.Services.AddHostedService<Stopping>();
        await using var app = _builder.Build();
        var diary = app.Services.GetServices<IHostedService>().OfType<Diary>().Single();

        await Wait.For(WorkerHost.RunAsync(app.Services, CancellationToken.None), "the worker to end");

        Assert.False(app.Lifetime.ApplicationStarted.IsCancellationRequested);
        Assert.Equal(["starting", "start", "stopping", "stop", "stopped"], diary.Entries);
    }

    [Fact]
    public async Task A_worker_stops_when_its_caller_cancels()
    {
        _builder.Services.AddHostedService<Diary>();
        await using var app = _builder.Build();
        var diary = app.Services.GetServices<IHostedService>().OfType<Diary>().Single();
        using var cancelled = new CancellationTokenSource();

        var running = WorkerHost.RunAsync(app.Services, cancelled.Token);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested, "the worker has started");
        await cancelled.CancelAsync();
        await Wait.For(running, "the worker to end");

        Assert.Equal("stopped", diary.Entries[^1]);
    }

    [Fact]
    public async Task A_worker_that_the_application_has_switched_off_stays_off_when_it_serves()
    {
        _builder.Services.AddRunnel().ConfigureWorker(worker => worker.Enabled = false);
        await using var app = _builder.Build();
        var options = app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;

        var running = app.RunRunnelAsync(["runserver"]);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested, "the server has started");
        app.Lifetime.StopApplication();
        await Wait.For(running, "the server to end");

        Assert.False(options.Enabled);
    }

    [Fact]
    public async Task A_worker_has_no_clients_for_which_it_would_wait_or_its_host_be_too_impatient()
    {
        using var log = new RecordedLog();
        _builder.Logging.AddProvider(log);
        _builder.Services.AddRunnel();
        _builder.Services.Configure<GatewayOptions>(static gateway => gateway.DrainDelay = TimeSpan.FromMinutes(10));
        _builder.Services.PostConfigure<HostOptions>(static host => host.ShutdownTimeout = Wait.Limit);
        await using var app = _builder.Build();

        var running = WorkerHost.RunAsync(app.Services, CancellationToken.None);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested, "the worker has started");
        app.Lifetime.StopApplication();
        await Wait.For(running, "the worker to end");

        Assert.Empty(log.Of(2015).Concat(log.Of(2018)));
    }

    [Fact]
    public async Task What_the_command_line_says_of_a_worker_goes_to_its_options()
    {
        var folder = Directory.CreateTempSubdirectory();
        _builder.Services.AddRunnel().ConfigureWorker(static worker => (worker.Enabled, worker.Threads) = (false, 7));
        await using var app = _builder.Build();
        app.MapChannel("payments", static (string _) => { });
        var options = app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;

        var running = app.RunRunnelAsync(["runworker", "--layer", $"sqlite:{Path.Combine(folder.FullName, "work.db")}", "--threads", "3", "--only-channels", "pay*, mail", "--exclude-channels", "slow"]);
        await Wait.Until(() => app.Lifetime.ApplicationStarted.IsCancellationRequested || running.IsCompleted, "the worker has started");
        app.Lifetime.StopApplication();

        Assert.Equal(0, await Wait.For(running, "the worker to end"));
        Assert.True(options.Enabled);
        Assert.Equal(3, options.Threads);
        Assert.Equal(["pay*", "mail"], options.OnlyChannels);
        Assert.Equal(["slow"], options.ExcludeChannels);
        folder.Delete(recursive: true);
    }

    public void Dispose() => _server.Dispose();

    private sealed class Diary : IHostedLifecycleService
    {
        public List<string> Entries { get; } = [];

        public Task StartingAsync(CancellationToken cancellationToken) => Write("starting");

        public Task StartAsync(CancellationToken cancellationToken) => Write("start");

        public Task StartedAsync(CancellationToken cancellationToken) => Write("started");

        public Task StoppingAsync(CancellationToken cancellationToken) => Write("stopping");

        public Task StopAsync(CancellationToken cancellationToken) => Write("stop");

        public Task StoppedAsync(CancellationToken cancellationToken) => Write("stopped");

        private Task Write(string entry)
        {
            Entries.Add(entry);
            return Task.CompletedTask;
        }
    }

    private sealed class Failing(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Wait.Until(() => lifetime.ApplicationStarted.IsCancellationRequested, "the worker has started");
            throw new TimeZoneNotFoundException("The disk is gone.");
        }
    }

    private sealed class Stopping(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.StopApplication();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class IdleServer : IServer
    {
        public int Starts { get; private set; }

        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull
        {
            Starts++;
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
            // Nothing to give back.
        }
    }
}
