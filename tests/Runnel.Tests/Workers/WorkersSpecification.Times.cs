using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sender_whose_clock_is_an_hour_wrong_is_neither_early_nor_late(bool tracks)
    {
        if (WaitsForDelays() || await LacksAsync(options => options.Track = tracks))
            return;
        (ChannelName Channel, int Hours, Inbox<(string Order, DateTimeOffset At)> Handled)[] senders = [("payments", -1, new()), ("refunds", 1, new())];
        void Map(IHost host)
        {
            foreach (var (channel, _, handled) in senders)
            {
                host.MapChannel(channel, (Pay pay) =>
                {
                    handled.Add((pay.Order, Clock.GetUtcNow()));
                    return Task.CompletedTask;
                }, options => options.Track = tracks);
            }
        }
        var start = Clock.GetUtcNow();
        List<JobStatus?> states = [];
        foreach (var (channel, hours, _) in senders)
        {
            var sender = CreateHost(Map, wrongBy: TimeSpan.FromHours(hours));
            var delayed = await sender.Channels.SendAsync(channel, new Pay("delayed"), new SendOptions { Delay = 100 * Second });
            var absolute = await sender.Channels.SendAsync(channel, new Pay("absolute"), new SendOptions { NotBefore = start + (200 * Second) });
            await sender.Channels.SendAsync(channel, new Pay("expires"), new SendOptions { Delay = 50 * Second, Expiry = 20 * Second });
            await sender.Channels.SendAsync(channel, new Pay("lives"), new SendOptions { Delay = 20 * Second, Expiry = 50 * Second });
            states.AddRange([await sender.Jobs.FindAsync(delayed.Id), await sender.Jobs.FindAsync(absolute.Id)]);
        }

        await StartAsync(Map);
        foreach (var (order, dueAfter) in new[] { ("lives", 20 * Second), ("delayed", 100 * Second), ("absolute", 200 * Second) })
        {
            var justBefore = start + dueAfter - Second - Clock.GetUtcNow();
            // A second at a time: what is due may take a while to be handled, and must not be late or expire meanwhile.
            foreach (var handled in await AdvanceUntilAsync(Task.WhenAll(senders.Select(sender => sender.Handled.NextAsync())), Second, justBefore))
            {
                Assert.Equal(order, handled.Order);
                Assert.InRange(handled.At - start, dueAfter, dueAfter + (order == "lives" ? 30 : 50) * Second);
            }
        }

        Assert.All(states, state => Assert.Equal(tracks ? JobState.Scheduled : null, state?.State));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task What_a_tracked_jobs_state_says_of_its_times_is_true_by_the_layers_clock(int hours)
    {
        if (await LacksAsync(Track))
            return;
        var app = CreateHost(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, Track), wrongBy: TimeSpan.FromHours(hours));
        var now = Clock.GetUtcNow();

        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Expiry = 30 * Second });
        var due = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { NotBefore = now });

        var status = await app.Jobs.FindAsync(sent.Id);
        Assert.Equal((JobState.Queued, now, now + (30 * Second)), (status!.State, status.CreatedAt, status.ExpiresAt));
        Assert.Equal(JobState.Queued, (await app.Jobs.FindAsync(due.Id))!.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_job_that_expires_ends_though_nobody_works_on_its_channel(int hours)
    {
        if (await LacksAsync(Track))
            return;
        void Map(IHost host) => host.MapChannel("payments", (Pay _) => Task.CompletedTask, Track);
        var sender = CreateHost(Map);
        var sent = await sender.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Expiry = 30 * Second });
        var reader = CreateHost(Map, wrongBy: TimeSpan.FromHours(hours));
        await using var watching = reader.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        await watching.MoveNextAsync();
        var before = watching.Current;
        var next = watching.MoveNextAsync().AsTask();

        var isFollowed = await AdvanceUntilAsync(next, 10 * Second);

        Assert.True(isFollowed);
        Assert.Equal(JobState.Queued, before.State);
        AssertExpired(watching.Current);
        Assert.False(await watching.MoveNextAsync());
        AssertExpired(await reader.Jobs.FindAsync(sent.Id));
        AssertExpired(Assert.Single(await CreateHost(Map).Jobs.WatchAsync(sent.Id).ToListAsync())); // as after a restart
        Clock.Advance(TimeSpan.FromDays(1)); // for which it is kept
        Assert.Null(await reader.Jobs.FindAsync(sent.Id));

        void AssertExpired(JobStatus? status)
        {
            Assert.Equal((JobState.Dead, before.ExpiresAt, 0), (status!.State, status.UpdatedAt, status.Attempt));
            Assert.Equal($"It expired: no worker had begun it by {before.ExpiresAt:u}.", status.Error);
            Assert.True(Clock.GetUtcNow() > before.ExpiresAt);
        }
    }

    [Fact]
    public async Task A_job_that_expires_later_than_states_are_kept_is_known_until_then()
    {
        if (await LacksAsync(Track))
            return;
        var app = CreateHost(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Expiry = TimeSpan.FromDays(3) });

        Clock.Advance(TimeSpan.FromDays(3) + (10 * Second));

        Assert.Equal(JobState.Dead, (await app.Jobs.FindAsync(sent.Id))?.State);
    }

    [Fact]
    public async Task A_job_that_was_begun_in_time_does_not_expire_while_it_runs_and_does_while_it_waits_for_its_next_attempt()
    {
        if (await LacksAsync(Track))
            return;
        var began = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
            if (pay.Order == "fails")
                throw new TimeoutException("boom");
        }, Track));
        var succeeds = await app.Channels.SendAsync("payments", new Pay("succeeds"), new SendOptions { Expiry = 30 * Second });
        var fails = await app.Channels.SendAsync("payments", new Pay("fails"), new SendOptions { Expiry = 30 * Second });
        await began.NextAsync(2);
        await StateAsync(app, succeeds.Id, JobState.Running);

        Clock.Advance(60 * Second);
        var running = await app.Jobs.FindAsync(succeeds.Id);
        goOn.SetResult();
        var ended = await StateAsync(app, fails.Id, JobState.Dead);

        Assert.Equal(JobState.Running, running!.State);
        await StateAsync(app, succeeds.Id, JobState.Succeeded);
        Assert.Equal(1, ended.Attempt);
        Assert.EndsWith("Its last attempt had failed: TimeoutException: boom", ended.ErrorDetail, StringComparison.Ordinal);
        Assert.Equal(0, began.Count);
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task What_expires_in_the_hands_of_a_worker_that_has_not_begun_it_is_not_begun()
    {
        if (await LacksAsync(Track))
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
            Track(options);
            options.Concurrency = 1;
        }), worker => worker.Threads = 1);
        await app.BeginLongAsync(began);
        var sent = await app.Channels.SendAsync("payments", new Pay("expires"), new SendOptions { Expiry = Second / 2 });
        await Wait.Until(() => app.RunningJobs == 2, "the worker has both");

        Clock.Advance(Second * 0.6); // after a second it would be given back
        goOn.SetResult();

        await StateAsync(app, sent.Id, status => status.State == JobState.Dead && status.Error!.StartsWith("It expired", StringComparison.Ordinal), "expired");
        Assert.Equal(0, began.Count);
        Assert.StartsWith($"Job {sent.Id} on channel 'payments' expired", Assert.Single(app.Log.Of(3030)).Text, StringComparison.Ordinal);
        await NothingHeldAsync(app);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task What_is_due_at_a_time_is_handled_when_the_clock_is_set_to_it(int hours)
    {
        if (WaitsForDelays())
            return;
        var handled = new Inbox<DateTimeOffset>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) =>
        {
            handled.Add(Clock.GetUtcNow());
            return Task.CompletedTask;
        }));
        var due = Clock.GetUtcNow() + TimeSpan.FromHours(hours) + (30 * Second);
        if (hours < 0)
            Clock.Jump(TimeSpan.FromHours(hours));
        await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { NotBefore = due });
        if (hours > 0)
            Clock.Jump(TimeSpan.FromHours(hours));

        var at = await AdvanceUntilAsync(handled.NextAsync(), Second, 29 * Second);

        Assert.InRange(at - due, TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }
}
