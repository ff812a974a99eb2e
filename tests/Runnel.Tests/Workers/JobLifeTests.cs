using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What is told of a job at the rarer turns of its life, and for how long it is known.</summary>
public sealed class JobLifeTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly HeldBackplane _backplane;
    private readonly WorkerApps _apps = new();

    public JobLifeTests() => _backplane = new(new InMemoryBackplane(_clock));

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Fact]
    public async Task A_job_that_is_tried_again_shows_why_and_begins_its_progress_anew()
    {
        var (attempts, goOn) = (new Inbox<int>(), new TaskCompletionSource());
        var app = await StartAsync(async job =>
        {
            attempts.Add(job.Attempt);
            if (job.Attempt > 1)
            {
                await goOn.Task;
                return;
            }
            await job.ReportAsync(0.5, "half");
            throw new RetryAfterException(TimeSpan.Zero, "The bank is closed.");
        });

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await attempts.NextAsync(2);
        var running = await app.Jobs.FindAsync(sent.Id);
        goOn.SetResult();

        Assert.Equal((JobState.Running, 2), (running!.State, running.Attempt));
        Assert.Equal(("The bank is closed.", "The bank is closed."), (running.Error, running.ErrorDetail));
        Assert.Equal((null, null), (running.Progress, running.Text));
    }

    [Theory]
    [InlineData(true, JobState.Failed)]
    [InlineData(false, JobState.Scheduled)]
    public async Task A_job_that_rests_for_longer_than_states_are_kept_is_known_until_it_runs_again(bool fails, JobState state)
    {
        var (runs, count) = (new Inbox<int>(), 0);
        var app = await StartAsync(job =>
        {
            runs.Add(++count);
            if (count == 1 && fails)
                throw new RetryAfterException(TimeSpan.FromDays(3));
            if (count == 1)
                job.Reschedule(TimeSpan.FromDays(3));
            return Task.CompletedTask;
        });
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await runs.NextAsync();
        await Wait.Until(async () => await app.Jobs.FindAsync(sent.Id) is { } job && job.State == state, "it rests");

        _clock.Advance(TimeSpan.FromDays(2));
        var resting = await app.Jobs.FindAsync(sent.Id);

        Assert.Equal(state, resting?.State);
    }

    [Fact]
    public async Task A_job_that_is_due_later_than_states_are_kept_is_known_until_then()
    {
        var app = Create(_ => Task.CompletedTask);
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { NotBefore = _clock.GetUtcNow().AddDays(3) });

        _clock.Advance(TimeSpan.FromDays(3));

        Assert.Equal(JobState.Scheduled, (await app.Jobs.FindAsync(sent.Id))?.State);
    }

    [Fact]
    public async Task A_job_may_wait_and_live_for_longer_than_there_are_dates()
    {
        var app = Create(_ => Task.CompletedTask);

        var waits = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.MaxValue });
        var lives = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Expiry = TimeSpan.MaxValue });

        Assert.Equal(JobState.Scheduled, (await app.Jobs.FindAsync(waits.Id))?.State);
        Assert.Equal(JobState.Queued, (await app.Jobs.FindAsync(lives.Id))?.State);
    }

    [Fact]
    public async Task Tags_are_kept_of_a_job_without_an_owner()
    {
        var app = Create(_ => Task.CompletedTask);

        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Tags = ["tenant:7"] });

        var job = await app.Jobs.FindAsync(sent.Id);
        Assert.Equal((null, "tenant:7"), (job!.Owner, Assert.Single(job.Tags)));
    }

    [Fact]
    public async Task Whoever_follows_a_job_reads_that_its_workers_died()
    {
        var app = Create(_ => Task.CompletedTask);
        var id = MessageId.New(_clock);
        var envelope = new Envelope(new Message("pay", """{"order":"1"}"""u8.ToArray())) { Id = id, Channel = "payments", SentAt = _clock.GetUtcNow(), Crashes = 3 };
        await app.Services.GetRequiredService<IWorkQueue>().EnqueueAsync("payments", [envelope], EnqueueOptions.Default);

        await app.StartAsync();
        await Wait.Until(async () => await app.Jobs.FindAsync(id) is { State: JobState.Dead }, "it is put aside");

        Assert.Equal("3 workers died while they held the message.", (await app.Jobs.FindAsync(id))!.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_that_gives_its_job_up_is_heard_also_if_the_job_is_cancelled(bool throws)
    {
        var began = new Inbox<int>();
        var app = await StartAsync(async job =>
        {
            began.Add(job.Attempt);
            await Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, _clock, job.CancellationToken));
            if (throws)
                throw new DeadLetterException("No such order.");
            job.DeadLetter("No such order.");
        });
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        await app.Jobs.CancelAsync("payments", sent.Id);
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.Equal((JobState.Dead, "No such order."), (last.State, last.Error));
    }

    [Fact]
    public async Task A_job_that_is_done_although_it_was_cancelled_has_succeeded()
    {
        var began = new Inbox<int>();
        var app = await StartAsync(async job =>
        {
            began.Add(job.Attempt);
            await Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, _clock, job.CancellationToken));
        });
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        await app.Jobs.CancelAsync("payments", sent.Id);
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.Equal(JobState.Succeeded, last.State);
    }

    [Fact]
    public async Task A_watch_leaves_no_subscription_whether_it_is_given_up_or_comes_to_its_end()
    {
        var app = Create(_ => Task.CompletedTask);
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromHours(1) });
        int during;

        await using (var givenUp = app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator())
        {
            await givenUp.MoveNextAsync();
            during = _backplane.Live;
        }
        var afterwards = _backplane.Live;
        await app.Jobs.CancelAsync("payments", sent.Id);
        var states = await app.Jobs.WatchAsync(sent.Id).ToListAsync();

        Assert.Equal((1, 0, 0), (during, afterwards, _backplane.Live));
        Assert.Equal(JobState.Cancelled, Assert.Single(states).State);
    }

    private WorkerApp Create(Func<JobContext, Task> handler) => _apps.Add(new(
        _backplane, new InMemoryWorkQueue(_clock), _clock, host => host.MapChannel("payments", (Pay _, JobContext job) => handler(job), options => (options.Track, options.Cancellable) = (true, true))));

    private async Task<WorkerApp> StartAsync(Func<JobContext, Task> handler)
    {
        var app = Create(handler);
        await app.StartAsync();
        return app;
    }
}
