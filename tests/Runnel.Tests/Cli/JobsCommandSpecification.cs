using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>Jobs of an application that runs in another process than the tool: here, the test's.</summary>
public abstract class JobsCommandSpecification : IAsyncLifetime
{
    private readonly RecordedLog _log = new();
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
        builder.Logging.ClearProviders().AddProvider(_log);
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        builder.Services.Configure<LayerOptions>(layers => (layers.Address, layers.QueueAddress, layers.StateAddress) = (Address, QueueAddress, StateAddress));
        _application = builder.Build();
        _application.MapChannel("tasks", RunUntilCancelledAsync, channel => channel.Track = true);
        _application.MapChannel("quick", (Chore chore) => chore.Name, channel => channel.Track = true);
        _application.MapChannel("failing", Task (Chore _) => throw new TimeoutException("boom"), channel => (channel.Track, channel.Retry) = (true, new RetryPolicy { MaxAttempts = 3, BaseDelay = TimeSpan.Zero }));
        _application.MapChannel("untracked", (Chore _) => { });
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
    public async Task The_tool_counts_the_attempts_as_the_log_and_the_state_do_and_tells_what_clients_are_not_told()
    {
        var id = await SendAsync(TimeSpan.Zero, "failing", new SendOptions { Owner = "alice", Tags = ["tenant:7", "album:1"] });
        var state = await EndAsync(id);
        await Wait.Until(async () => (await RunAsync("dead-letters", "list", "failing", "--json")).Json.GetArrayLength() == 1, "it is a dead letter");

        var (job, jobText) = ((await RunAsync("jobs", "show", id, "--json")).Json, (await RunAsync("jobs", "show", id)).Output);
        var listed = Assert.Single((await RunAsync("dead-letters", "list", "failing", "--json")).Json.EnumerateArray());
        var (shown, shownText) = ((await RunAsync("dead-letters", "show", "failing", id, "--json")).Json, (await RunAsync("dead-letters", "show", "failing", id)).Output);

        Assert.Contains($"Job {id} on channel 'failing' is a dead letter after 3 attempts", Assert.Single(_log.Of(3004)).Text, StringComparison.Ordinal);
        Assert.Equal((3, 3, 3, 3), (state.Attempt, Number(job, "attempt"), Number(listed, "attempts"), Number(shown, "attempts")));
        Assert.Equal((0, 0), (Number(listed, "crashes"), Number(shown, "crashes")));
        Assert.Matches("attempt +3\n", jobText);
        Assert.Matches("attempts +3\n", shownText);
        Assert.DoesNotContain("boom", state.Error, StringComparison.Ordinal);
        Assert.Equal(("TimeoutException: boom", "alice"), (job.GetProperty("error").GetString(), job.GetProperty("owner").GetString()));
        Assert.Equal(["tenant:7", "album:1"], job.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        Assert.Matches("error +TimeoutException: boom\n", jobText);
        Assert.Matches("owner +alice\n", jobText);
        Assert.Matches("tags +tenant:7, album:1\n", jobText);

        static int Number(JsonElement document, string name) => document.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task A_job_that_is_followed_to_its_success_is_exit_code_0_and_to_scripts_one_document()
    {
        var id = await SendAsync(TimeSpan.FromSeconds(1), "quick");

        var script = await RunAsync("jobs", "show", id, "--follow", "--json");
        var person = await RunAsync("jobs", "show", id, "-f");

        Assert.Equal(("succeeded", "sweep"), (script.Json.GetProperty("state").GetString(), script.Json.GetProperty("result").GetString()));
        Assert.Equal(0, person.ExitCode);
        Assert.Matches("state +succeeded", person.Output);
    }

    [Fact]
    public async Task Whoever_has_seen_enough_of_a_job_ends_the_tool_with_one_word()
    {
        var id = await SendAsync(TimeSpan.FromHours(1));
        await using var tool = ChildProcess.Start("Runnel.Cli.dll", ["jobs", "show", id, "--follow", .. Layers]);
        await tool.SaysAsync("scheduled");

        var (code, _) = await tool.TerminateAsync();

        Assert.Equal((1, "Interrupted."), (code, tool.StandardError.Trim()));
    }

    [Fact]
    public async Task A_job_is_not_one_of_another_channel()
    {
        var id = await SendAsync(TimeSpan.FromHours(1));

        (await RunAsync("jobs", "show", id, "--channel", "quick")).FailsWith(1, $"There is no job {id} on channel 'quick'");
        Assert.Equal(0, (await RunAsync("jobs", "show", id, "--channel", "tasks")).ExitCode);
    }

    [Fact]
    public async Task A_job_of_a_channel_that_tracks_none_is_taken_back_if_the_channel_is_named()
    {
        var id = await SendAsync(TimeSpan.FromHours(1), "untracked");

        var taken = (await RunAsync("jobs", "cancel", id, "--channel", "untracked", "--json")).Json;

        Assert.Equal(("untracked", true), (taken.GetProperty("channel").GetString(), taken.GetProperty("cancelled").GetBoolean()));
        Assert.DoesNotContain("untracked", (await RunAsync("channels", "--json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_nobody_knows_is_one_sentence_and_exit_code_1()
    {
        var id = MessageId.New(TimeProvider.System).ToString();

        (await RunAsync("jobs", "show", id)).FailsWith(1, $"There is no job {id}");
        (await RunAsync("jobs", "cancel", id)).FailsWith(1, $"There is no state of a job {id}");
    }

    private string[] Layers =>
        ["--layer", Address, .. QueueAddress is null ? [] : new[] { "--queue-layer", QueueAddress }, .. StateAddress is null ? [] : new[] { "--state-layer", StateAddress }];

    private Task<RunnelTool> RunAsync(params string[] arguments) => RunnelTool.RunAsync([.. arguments, .. Layers]);

    private async Task<string> SendAsync(TimeSpan delay, string channel = "tasks", SendOptions? options = null)
    {
        var channels = _application.Services.GetRequiredService<IChannels>();
        return (await channels.SendAsync(channel, new Chore("sweep"), (options ?? new()) with { Delay = delay })).Id.ToString();
    }

    private async Task<JobStatus> EndAsync(string id)
    {
        Assert.True(MessageId.TryParse(id, out var job));
        return await Wait.For(_application.Services.GetRequiredService<IJobs>().WatchAsync(job).LastAsync().AsTask(), "the job's end");
    }

    private async Task RunUntilCancelledAsync(Chore chore, JobContext job, CancellationToken cancellationToken)
    {
        await job.ReportAsync(0.5, "Half way");
        _started.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }

    private sealed record Chore(string Name);
}
