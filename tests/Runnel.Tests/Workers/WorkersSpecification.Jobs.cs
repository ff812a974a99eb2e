using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Runnel.Workers.Channels;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Fact]
    public async Task A_job_is_followed_from_being_scheduled_to_its_result()
    {
        if (await LacksAsync(Track))
            return;
        var running = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        var app = CreateHost(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            await job.ReportAsync(0.5, "half");
            running.Add(1);
            await goOn.Task;
            return new Refund("1", 7);
        }, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = Away(TimeSpan.FromSeconds(1)) });

        await using var states = app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        await states.MoveNextAsync();
        var first = states.Current;
        await app.StartAsync(); // not before, or the worker might begin the job before its first state is read
        await AdvanceUntilAsync(running.NextAsync(), TimeSpan.FromSeconds(1));
        await StateAsync(app, sent.Id, status => status is { State: JobState.Running, Progress: 0.5, Text: "half", Attempt: 1 }, "half done");
        goOn.SetResult();
        var last = first;
        while (await states.MoveNextAsync())
            last = states.Current;
        var late = new List<JobStatus>();
        await foreach (var state in app.Jobs.WatchAsync(sent.Id))
            late.Add(state);

        Assert.Equal((JobState.Scheduled, 0), (first.State, first.Attempt));
        Assert.Equal((JobState.Succeeded, 1.0, null), (last.State, last.Progress, last.Error));
        Assert.Equal(7, last.Result!.Value.GetProperty("cents").GetInt32());
        Assert.Equal(JobState.Succeeded, Assert.Single(late).State);
        Clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMilliseconds(1));
        Assert.Null(await app.Jobs.FindAsync(sent.Id));
        Assert.Empty(await app.Jobs.WatchAsync(sent.Id).ToListAsync());
    }

    [Fact]
    public async Task A_channel_that_does_not_track_keeps_no_states()
    {
        var seen = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            await job.ReportAsync(0.5);
            seen.Add(1);
        }));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await seen.NextAsync();
        await NothingHeldAsync(app);

        Assert.Null(await app.Jobs.FindAsync(sent.Id));
    }

    [Fact]
    public async Task A_job_that_waits_longer_than_its_state_is_kept_is_known_until_it_is_done()
    {
        if (await LacksAsync(Track))
            return;
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromDays(3) });

        Clock.Advance(TimeSpan.FromDays(2));
        var waiting = await app.Jobs.FindAsync(sent.Id);
        Assert.Equal(JobState.Scheduled, waiting?.State);
        if (WaitsForDelays())
            return;
        Clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMilliseconds(1));

        await StateAsync(app, sent.Id, JobState.Succeeded);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(0)]
    public async Task A_job_that_waits_is_taken_back(int delaySeconds)
    {
        if (await LacksAsync(Cancellable) || Lacks(WorkQueueFeatures.Cancel)) // then it is cancelled when its turn comes
            return;
        var app = CreateHost(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, Cancellable));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromSeconds(delaySeconds) });

        var wasTakenBack = await app.Jobs.CancelAsync("payments", sent.Id);

        Assert.True(wasTakenBack);
        Assert.Equal(JobState.Cancelled, (await app.Jobs.FindAsync(sent.Id))!.State);
        Assert.Contains($"{sent.Id}", Assert.Single(app.Log.Of(3011)).Text, StringComparison.Ordinal);
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task A_job_that_is_cancelled_before_a_worker_has_it_is_never_handled()
    {
        if (await LacksAsync(Cancellable))
            return;
        var began = new Inbox<string>();
        void Map(IHost host) => host.MapChannel("payments", (Pay pay) => began.Add(pay.Order), Cancellable);
        var web = CreateHost(Map);
        var sent = await web.Channels.SendAsync("payments", new Pay("cancelled"));

        await web.Jobs.CancelAsync("payments", sent.Id);
        Clock.Advance(TimeSpan.FromHours(1));
        await StartAsync(Map);

        await StateAsync(web, sent.Id, JobState.Cancelled);
        await NothingHeldAsync(web);
        Assert.Equal(0, began.Count);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("other-exception")]
    [InlineData("reschedule")]
    public async Task A_job_that_runs_is_cancelled_from_another_process(string answer)
    {
        if (await LacksAsync(Cancellable))
            return;
        var began = new Inbox<int>();
        void Map(IHost host) => host.MapChannel("payments", async (Pay _, JobContext job, CancellationToken token) =>
        {
            began.Add(job.Attempt);
            var cancelled = Task.Delay(Timeout.InfiniteTimeSpan, Clock, token);
            if (answer == "token")
                await cancelled;
            await Task.WhenAny(cancelled);
            if (answer == "other-exception")
                throw new IOException("The connection was closed because somebody cancelled.");
            job.Reschedule(TimeSpan.FromHours(1));
        }, options =>
        {
            Cancellable(options);
            options.Retry.MaxAttempts = 1; // an attempt that failed would make the message a dead letter
        });
        var worker = await StartAsync(Map);
        var web = await StartAsync(Map, options => options.Enabled = false);
        var sent = await web.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        var wasTakenBack = await web.Jobs.CancelAsync("payments", sent.Id);

        Assert.False(wasTakenBack);
        await StateAsync(web, sent.Id, JobState.Cancelled);
        await NothingHeldAsync(web);
        Assert.Equal(0, began.Count);
        Assert.Contains($"{sent.Id}", Assert.Single(worker.Log.Of(3011)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_a_worker_has_taken_and_not_begun_is_cancelled()
    {
        if (await LacksAsync(Cancellable))
            return;
        var began = new Inbox<string>();
        var goOn = new TaskCompletionSource();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "long")
                await goOn.Task;
        }, options =>
        {
            Cancellable(options);
            options.Concurrency = 1;
        }));
        var before = await app.BeginLongAsync(began);
        var sent = await app.Channels.SendAsync("payments", new Pay("cancelled"));
        await Wait.Until(async () => (await app.Operator.ListChannelsAsync()).Sum(status => status.InFlight) == 2, "the worker has both");

        await using var requests = await TopicListener.OnAsync(app.Services.GetRequiredService<IBackplane>(), JobFollower.CancelTopic);
        await app.Jobs.CancelAsync("payments", sent.Id);
        await requests.NextMessageAsync(); // and so the worker, which subscribed before, has it too
        goOn.SetResult();

        await StateAsync(app, sent.Id, JobState.Cancelled);
        await StateAsync(app, before.Id, JobState.Succeeded);
        Assert.Equal(0, began.Count);
    }

    [Fact]
    public async Task A_dead_letter_of_a_tracked_job_comes_to_life_again_when_it_is_replayed()
    {
        if (await LacksAsync(Track))
            return;
        var isRepaired = false;
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) => isRepaired ? Task.CompletedTask : throw new TimeoutException("boom"), options =>
        {
            Track(options);
            options.Retry.MaxAttempts = 2;
        }));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Owner = "alice", Tags = ["tenant:7"] });
        var queued = await app.Jobs.FindAsync(sent.Id);
        var dead = await StateAsync(app, sent.Id, JobState.Dead);
        await DeadLetterAsync(app, "payments");

        isRepaired = true;
        await app.Operator.ReplayAsync("payments", DeadLetterFilter.All);
        var succeeded = await StateAsync(app, sent.Id, JobState.Succeeded);

        Assert.Equal((2, "TimeoutException: boom"), (dead.Attempt, dead.ErrorDetail));
        Assert.Equal((1, null, null), (succeeded.Attempt, succeeded.Error, succeeded.ErrorDetail));
        Assert.All([queued!, dead, succeeded], job => Assert.Equal(("alice", "tenant:7"), (job.Owner, Assert.Single(job.Tags))));
    }

    [Fact]
    public async Task A_result_that_cannot_be_written_does_not_repeat_the_work()
    {
        if (await LacksAsync(Track))
            return;
        var runs = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _, JobContext job) =>
        {
            runs.Add(job.Attempt);
            return Task.FromResult(new Circle());
        }, Track));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var ended = await StateAsync(app, sent.Id, JobState.Succeeded);
        await NothingHeldAsync(app);

        Assert.Null(ended.Result);
        Assert.Contains("result", ended.Error, StringComparison.Ordinal);
        Assert.Equal(1, runs.Count);
    }

    [Fact]
    public async Task No_watcher_misses_the_end_of_a_job()
    {
        if (await LacksAsync(Track))
            return;
        const int Count = 500;
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            await job.ReportAsync(0.1);
            await Task.Yield();
            await job.ReportAsync(0.9, pay.Order);
            return pay.Order;
        }, Track));

        var sent = await app.Channels.SendManyAsync("payments", Enumerable.Range(0, Count).Select(number => new Pay($"{number}")));
        var watching = sent.Select(message => Task.Run(() => app.Jobs.WatchAsync(message.Id).LastAsync().AsTask())).ToList();
        var last = await Wait.For(Task.WhenAll(watching), "every job's end");

        Assert.All(last, status => Assert.Equal((JobState.Succeeded, 1.0), (status.State, status.Progress)));
        Assert.Equal(sent.Select(message => message.Id.ToString()), last.Select(status => status.Id));
        await NothingHeldAsync(app);
        await Wait.Until(() => app.RunningJobs == 0, "no job counts as running");
    }

    private sealed class Circle
    {
        public Circle Self => this;
    }
}
