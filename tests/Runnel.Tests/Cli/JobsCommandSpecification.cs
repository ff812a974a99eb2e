using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>Jobs of an application that runs in another process than the tool: here, the test's.</summary>
public abstract class JobsCommandSpecification : IAsyncLifetime
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IHost _application = null!;

    /// <summary>The address of a layer of this test's own.</summary>
    protected abstract string Address { get; }

    /// <summary>The address of another one for work; <see langword="null"/> for <see cref="Address"/>.</summary>
    protected virtual string? QueueAddress => null;

    /// <summary>The address of another one for states; <see langword="null"/> for <see cref="Address"/>.</summary>
    protected virtual string? StateAddress => null;

    public virtual async ValueTask InitializeAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        builder.Services.Configure<LayerOptions>(layers => (layers.Address, layers.QueueAddress, layers.StateAddress) = (Address, QueueAddress, StateAddress));
        _application = builder.Build();
        _application.MapChannel("tasks", RunUntilCancelledAsync, channel => channel.Track = true);
        await _application.StartAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await ((IAsyncDisposable)_application).DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_job_that_waits_is_shown_and_taken_back()
    {
        var id = await SendAsync(TimeSpan.FromHours(1));

        var before = (await RunAsync("jobs", "show", id, "--json")).Json;
        var cancelled = (await RunAsync("jobs", "cancel", id, "--json")).Json;
        var after = await RunAsync("jobs", "show", id);

        Assert.Equal(("tasks", "scheduled"), (before.GetProperty("channel").GetString(), before.GetProperty("state").GetString()));
        Assert.True(cancelled.GetProperty("cancelled").GetBoolean());
        Assert.Matches("state +cancelled", after.Output);
        Assert.DoesNotContain('\u001b', after.Output);
        (await RunAsync("jobs", "cancel", id)).FailsWith(1, "cannot be cancelled any more: it is cancelled");
    }

    [Fact]
    public async Task A_job_that_runs_is_shown_told_to_stop_and_followed_to_its_end()
    {
        var id = await SendAsync(TimeSpan.Zero);
        await Wait.For(_started.Task, "the job to run");
        var jobs = _application.Services.GetRequiredService<IJobs>();
        Assert.True(MessageId.TryParse(id, out var job));
        await Wait.Until(async () => await jobs.FindAsync(job) is { Progress: 0.5 }, "the job's progress to be known");

        var running = (await RunAsync("jobs", "show", id, "--json")).Json;
        var told = (await RunAsync("jobs", "cancel", id, "--json")).Json;
        var followed = await RunAsync("jobs", "show", id, "--follow");

        Assert.Equal(0.5, running.GetProperty("progress").GetDouble());
        Assert.Equal("Half way", running.GetProperty("text").GetString());
        Assert.True(told.GetProperty("requested").GetBoolean());
        Assert.Matches("state +cancelled", followed.Output);
        Assert.Contains("did not succeed: it is cancelled", followed.Error, StringComparison.Ordinal);
        Assert.Equal(1, followed.ExitCode);
    }

    [Fact]
    public async Task A_job_that_nobody_knows_is_one_sentence_and_exit_code_1()
    {
        var id = MessageId.New(TimeProvider.System).ToString();

        (await RunAsync("jobs", "show", id)).FailsWith(1, $"There is no job {id}");
        (await RunAsync("jobs", "cancel", id)).FailsWith(1, $"There is no state of a job {id}");
    }

    private Task<RunnelTool> RunAsync(params string[] arguments) => RunnelTool.RunAsync(
        [.. arguments, "--layer", Address, .. QueueAddress is null ? [] : new[] { "--queue-layer", QueueAddress }, .. StateAddress is null ? [] : new[] { "--state-layer", StateAddress }]);

    private async Task<string> SendAsync(TimeSpan delay)
    {
        var channels = _application.Services.GetRequiredService<IChannels>();
        return (await channels.SendAsync("tasks", new Chore("sweep"), new SendOptions { Delay = delay })).Id.ToString();
    }

    private async Task RunUntilCancelledAsync(Chore chore, JobContext job, CancellationToken cancellationToken)
    {
        await job.ReportAsync(0.5, "Half way");
        _started.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }

    private sealed record Chore(string Name);
}
