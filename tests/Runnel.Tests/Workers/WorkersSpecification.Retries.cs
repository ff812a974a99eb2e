using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Workers;
using Runnel.Workers.Jobs;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_says_when_it_wants_to_be_tried_again(bool throws)
    {
        if (await LacksAsync(Track))
            return;
        var (attempts, states) = (new Inbox<(int Attempt, DateTimeOffset At)>(), new Inbox<JobStatus>());
        var isWatched = new TaskCompletionSource();
        var rest = Away(TimeSpan.FromMinutes(1));
        var delaysClock = MovesDelays ? Clock : TimeProvider.System;
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            attempts.Add((job.Attempt, delaysClock.GetUtcNow()));
            await isWatched.Task;
            if (job.Attempt == 1 && throws)
                throw new RetryAfterException(rest, "The bank is closed.");
            if (job.Attempt == 1)
                job.RetryAfter(rest, "The bank is closed.");
        }, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var first = await attempts.NextAsync();
        await using var watch = await WatchAsync(app, sent.Id, states);
        isWatched.SetResult();

        var failed = await NextAsync(states, JobState.Failed);
        var second = await AdvanceUntilAsync(attempts.NextAsync(), TimeSpan.FromSeconds(30));

        Assert.Equal("The bank is closed.", failed.Error);
        Assert.Equal(2, second.Attempt);
        Assert.True(second.At - first.At >= rest);
        Assert.Null((await StateAsync(app, sent.Id, JobState.Succeeded)).Error);
    }

    [Fact]
    public async Task The_log_the_state_the_dead_letter_and_the_consumer_count_the_attempts_alike()
    {
        if (await LacksAsync(Track))
            return;
        var attempts = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _, JobContext job) =>
        {
            attempts.Add(job.Attempt);
            throw new TimeoutException("boom");
        }, options =>
        {
            RetryAtOnce(options);
            options.Track = true;
        }));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var dead = await DeadLetterAsync(app, "payments");
        var state = await StateAsync(app, sent.Id, JobState.Dead);

        Assert.Equal([1, 2, 3], await attempts.NextAsync(3));
        Assert.Equal((3, 3), (state.Attempt, dead.Envelope.Attempt));
        Assert.Equal(
            [$"Job {sent.Id} on channel 'payments' failed at attempt 1", $"Job {sent.Id} on channel 'payments' failed at attempt 2"],
            app.Log.Of(3003).Select(entry => entry.Text.Split(" and is tried again")[0]));
        Assert.Contains(app.Log.Of(3004), entry => entry.Text.StartsWith($"Job {sent.Id} on channel 'payments' is a dead letter after 3 attempts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_of_a_type_that_only_the_next_version_knows_waits_for_it()
    {
        if (await LacksAsync(options => (options.Track, options.Ordered) = (true, true)))
            return;
        var seen = new Inbox<(string Order, int Attempt)>();
        var old = await StartAsync(host => host.MapChannel("payments", (Refund _) => { }, options => (options.Track, options.Ordered) = (true, true)));
        var sent = await old.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Key = "k" });
        await StateAsync(old, sent.Id, JobState.Failed);

        await old.StopAsync();
        await StartAsync(host => host.MapChannel("payments", (Pay pay, JobContext job) => seen.Add((pay.Order, job.Attempt)), Track));
        var (order, attempt) = await AdvanceUntilAsync(seen.NextAsync(), TimeSpan.FromSeconds(1));

        Assert.Equal("1", order);
        Assert.InRange(attempt, 2, 10);
        Assert.Null((await StateAsync(old, sent.Id, JobState.Succeeded)).Error);
    }

    [Fact]
    public async Task A_message_that_reschedules_itself_uses_up_no_attempt_and_may_say_something_else()
    {
        if (await LacksAsync(Track))
            return;
        var (seen, states) = (new Inbox<(string Order, int Attempt)>(), new Inbox<JobStatus>());
        var isWatched = new TaskCompletionSource();
        var rest = Away(TimeSpan.FromSeconds(2));
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            seen.Add((pay.Order, job.Attempt));
            await isWatched.Task;
            await job.ReportAsync(0.5, "asked");
            if (pay.Order == "first")
                job.Reschedule(rest, new Pay("second"));
            else if (pay.Order == "second")
                job.Reschedule(rest, new Pay("third"));
        }, options =>
        {
            Track(options);
            options.Retry.MaxAttempts = 1;
        }));

        var sent = await app.Channels.SendAsync("payments", new Pay("first"));
        var first = await seen.NextAsync();
        await using var watch = await WatchAsync(app, sent.Id, states);
        isWatched.SetResult();
        var between = await NextAsync(states, JobState.Scheduled);
        var second = await AdvanceUntilAsync(seen.NextAsync(), TimeSpan.FromSeconds(1));
        var third = await AdvanceUntilAsync(seen.NextAsync(), TimeSpan.FromSeconds(1));

        Assert.Equal([("first", 1), ("second", 1), ("third", 1)], [first, second, third]);
        Assert.Equal((0.5, "asked"), (between.Progress, between.Text));
        await StateAsync(app, sent.Id, JobState.Succeeded);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task What_was_reported_is_still_seen_when_a_rescheduled_job_runs_again(int seconds)
    {
        if (await LacksAsync(Track))
            return;
        var runs = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        var count = 0;
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            runs.Add(++count);
            if (count > 1)
            {
                await goOn.Task;
                return;
            }
            await job.ReportAsync(0.25, "asked");
            job.Reschedule(seconds == 0 ? TimeSpan.Zero : Away(TimeSpan.FromSeconds(seconds)));
        }, Track));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await AdvanceUntilAsync(runs.NextAsync(2), TimeSpan.FromSeconds(1));
        var running = await app.Jobs.FindAsync(sent.Id);
        goOn.SetResult();
        await StateAsync(app, sent.Id, JobState.Succeeded);

        Assert.Equal((JobState.Running, 0.25, "asked"), (running!.State, running.Progress, running.Text));
    }

    [Fact]
    public async Task A_consumer_that_asks_for_its_token_when_its_time_is_up_finds_it_cancelled()
    {
        var (began, seen) = (new Inbox<int>(), new Inbox<bool>());
        var goOn = new TaskCompletionSource();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
            seen.Add(job.CancellationToken.IsCancellationRequested);
        }, options => options.Timeout = TimeSpan.FromSeconds(10)));
        await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        Clock.Advance(TimeSpan.FromSeconds(10));
        goOn.SetResult();

        Assert.True(await seen.NextAsync());
    }

    [Fact]
    public async Task A_handler_that_takes_too_long_is_cancelled_which_counts_an_attempt()
    {
        if (await LacksAsync(Track))
            return;
        var attempts = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job, CancellationToken token) =>
        {
            attempts.Add(job.Attempt);
            if (job.Attempt == 1)
                await Task.Delay(Timeout.InfiniteTimeSpan, Clock, token);
        }, options =>
        {
            Track(options);
            options.Timeout = TimeSpan.FromSeconds(10);
        }));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await attempts.NextAsync();

        Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(2, await attempts.NextAsync());
        await StateAsync(app, sent.Id, JobState.Succeeded);
    }

    // Every state, also one that lasts no longer than a delay that can be waited for: whoever only looks now and then may miss it.
    private static ValueTask<IAsyncDisposable> WatchAsync(WorkerApp app, MessageId id, Inbox<JobStatus> states) =>
        app.Services.GetRequiredService<JobStore>().WatchAsync(id, (status, _) => states.Add(status), CancellationToken.None);

    private static async Task<JobStatus> NextAsync(Inbox<JobStatus> states, JobState state)
    {
        JobStatus next;
        do
            next = await states.NextAsync();
        while (next.State != state);
        return next;
    }
}
