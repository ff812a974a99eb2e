using System.Text;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a worker does whose lease is lost, or may be.</summary>
public sealed class WorkerLeaseTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;
    private readonly List<WorkerApp> _apps = [];

    public WorkerLeaseTests()
    {
        _queue = new(_clock);
        _backplane = new(_clock);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
            await app.DisposeAsync();
    }

    [Fact]
    public async Task A_worker_that_has_not_heard_of_the_loss_of_its_lease_says_nothing_of_the_job_that_another_one_has()
    {
        var (began, zombie) = (new Inbox<JobContext>(), new TaskCompletionSource<string>());
        var watched = new WatchedQueue(_queue) { TellsOfLoss = false };
        await StartAsync(watched, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job);
            return await zombie.Task;
        }, Track));
        var other = Create(_queue, host => host.MapChannel("payments", (Pay _) => "the other's", Track));
        var sent = await other.Channels.SendAsync("payments", new Pay("1"));
        var job = await began.NextAsync();

        _queue.Crash(watched.Leases[0].WorkerId);
        await other.StartAsync();
        await Wait.Until(async () => await other.Jobs.FindAsync(sent.Id) is { State: JobState.Succeeded }, "the other worker is done with it");
        await job.ReportAsync(0.5, "the zombie's");
        zombie.SetResult("the zombie's");
        await Wait.Until(() => _apps[0].RunningJobs == 0, "the zombie has returned");

        var last = await other.Jobs.FindAsync(sent.Id);
        Assert.Equal((JobState.Succeeded, "the other's"), (last!.State, last.Result!.Value.GetString()));
        Assert.NotEmpty(_apps[0].Log.Of(3008));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_worker_that_was_too_careful_tells_the_end_of_its_job_once_it_is_settled(bool succeeds)
    {
        var (began, goOn) = (new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue);
        var app = await StartAsync(watched, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
            if (!succeeds)
                throw new DeadLetterException("No such order.");
        }, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        watched.IsInDoubt = true;
        goOn.SetResult();
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.Equal(succeeds ? JobState.Succeeded : JobState.Dead, last.State);
        Assert.Equal(succeeds ? 0 : 1, (await app.Operator.ListDeadLettersAsync("payments", DeadLetterFilter.All, 10)).Count);
    }

    [Fact]
    public async Task A_worker_that_was_too_careful_does_not_speak_of_a_job_that_another_one_may_have_handled_since()
    {
        var (began, goOn) = (new Inbox<int>(), new TaskCompletionSource());
        var other = Create(_queue, host => host.MapChannel("payments", (Pay _) => "the other's", Track));
        var sent = await other.Channels.SendAsync("payments", new Pay("1"));
        var watched = new WatchedQueue(_queue)
        {
            OnAbandoned = () => Wait.Until(async () => await other.Jobs.FindAsync(sent.Id) is { State: JobState.Succeeded }, "the other worker is done with it"),
        };
        var careful = await StartAsync(watched, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
            throw new RetryAfterException(TimeSpan.Zero);
        }, Track));
        await began.NextAsync();

        watched.IsInDoubt = true;
        await other.StartAsync();
        goOn.SetResult();
        await Wait.Until(async () => careful.RunningJobs == 0 && await other.Jobs.FindAsync(sent.Id) is { IsFinal: true }, "both are done");
        var last = await other.Jobs.FindAsync(sent.Id);

        Assert.Equal((JobState.Succeeded, "the other's"), (last!.State, last.Result?.GetString()));
    }

    [Fact]
    public async Task A_worker_that_was_too_careful_tells_that_its_job_rests_for_long()
    {
        var (began, goOn) = (new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue);
        var app = await StartAsync(watched, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
            throw new RetryAfterException(TimeSpan.FromHours(1), "The bank is closed.");
        }, Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        watched.IsInDoubt = true;
        goOn.SetResult();
        await Wait.Until(() => app.RunningJobs == 0, "the attempt is over");

        Assert.Equal((JobState.Failed, "The bank is closed."), await app.Jobs.FindAsync(sent.Id) is { } job ? (job.State, job.Error) : default);
    }

    [Fact]
    public async Task A_message_is_not_begun_while_the_lease_may_be_lost()
    {
        var (began, goOn) = (new Inbox<(string Order, int Attempt, int Crashes)>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue);
        var app = await StartAsync(watched, host => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            began.Add((pay.Order, job.Attempt, job.Crashes));
            if (pay.Order == "long")
                await goOn.Task;
        }, options => options.Concurrency = 1));
        foreach (var order in new[] { "short", "long" }) // so that more is taken than runs
        {
            await app.Channels.SendAsync("payments", new Pay(order));
            await began.NextAsync();
        }
        await app.Channels.SendAsync("payments", new Pay("next"));
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == 2, "the worker has taken both");

        watched.IsInDoubt = true;
        goOn.SetResult();
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.Ready) == 1, "the one that was not begun is given back");
        var begun = began.Count;
        watched.IsInDoubt = false;
        var next = began.NextAsync();
        await Wait.Until(() =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return next.IsCompleted;
        }, "it is taken again");

        Assert.Equal(0, begun);
        Assert.Equal(("next", 1, 0), await next);
    }

    [Fact]
    public async Task A_worker_whose_lease_may_be_lost_rests_before_it_takes_what_it_would_give_back()
    {
        var (advances, returned) = (0, new Inbox<int>());
        var watched = new WatchedQueue(_queue) { IsInDoubt = true };
        watched.OnAbandoned = () =>
        {
            returned.Add(1);
            return Task.CompletedTask;
        };
        var app = await StartAsync(watched, host => host.MapChannel("payments", (Pay _) => { }));

        await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(() =>
        {
            advances++;
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return returned.Count >= 5;
        }, "it has given the message back again and again");

        Assert.InRange(watched.Asked.Count, 5, advances);
    }

    [Fact]
    public async Task A_tracked_message_is_not_begun_if_the_lease_may_be_lost_since_its_state_was_told()
    {
        var began = new Inbox<int>();
        var watched = new WatchedQueue(_queue);
        var backplane = new WatchedBackplane(_backplane)
        {
            Hold = envelope =>
            {
                watched.IsInDoubt |= Encoding.UTF8.GetString(envelope.Message.Body.Span).Contains("\"running\"", StringComparison.Ordinal);
                return Task.CompletedTask;
            },
        };
        var app = new WorkerApp(backplane, watched, _clock, host => host.MapChannel("payments", (Pay _, JobContext job) => began.Add(job.Attempt), Track));
        _apps.Add(app);
        await app.StartAsync();

        await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(() => watched.IsInDoubt, "it is told that the job runs");
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.Ready) == 1, "the message is given back");

        Assert.Equal(0, began.Count);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public async Task What_kills_its_workers_takes_nothing_along_that_was_only_waiting_behind_it(int crashLimit)
    {
        const int Innocent = 20;
        var (poisoned, handled) = (new Inbox<int>(), new Inbox<(string Order, int Crashes)>());
        var watched = new WatchedQueue(_queue);
        var app = await StartAsync(
            watched,
            host => host.MapChannel("payments", async (Pay pay, JobContext job, CancellationToken token) =>
            {
                if (pay.Order != "poison")
                {
                    handled.Add((pay.Order, job.Crashes));
                    return;
                }
                poisoned.Add(job.Crashes);
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
            }, options => options.Concurrency = 1),
            worker => worker.CrashLimit = crashLimit);
        await app.Channels.SendAsync("payments", new Pay("short")); // so that more is taken than runs
        await handled.NextAsync();
        await app.Channels.SendManyAsync("payments", [new Pay("poison"), .. Enumerable.Range(0, Innocent).Select(number => new Pay($"{number}"))]);

        for (var crash = 0; crash < crashLimit; crash++)
        {
            Assert.Equal(crash, await poisoned.NextAsync());
            var inFlight = crash == 0 && crashLimit > 1 ? Innocent + 1 : 1;
            await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == inFlight, "the worker holds what it keeps");
            _queue.Crash(watched.Leases[^1].WorkerId);
        }
        var innocent = await handled.NextAsync(Innocent);

        Assert.Equal(Enumerable.Range(0, Innocent).Select(number => $"{number}"), innocent.Select(message => message.Order));
        Assert.All(innocent, message => Assert.InRange(message.Crashes, 0, 1));
        var dead = Assert.Single(await app.Operator.ListDeadLettersAsync("payments", DeadLetterFilter.All, 100));
        Assert.Equal((DeadLetterReason.WorkerDied, crashLimit, 0), (dead.Reason, dead.Envelope.Crashes, dead.Envelope.Attempt));
    }

    [Fact]
    public async Task Nothing_waits_behind_a_message_that_a_worker_has_died_with()
    {
        const int Innocent = 20;
        var (poisoned, handled) = (new Inbox<(WatchedQueue Holder, int Crashes)>(), new Inbox<int>());
        var over = new TaskCompletionSource();
        WatchedQueue[] workers = [new(_queue), new(_queue)];
        foreach (var worker in workers)
        {
            await StartAsync(worker, host => host.MapChannel("payments", async (Pay pay, JobContext job, CancellationToken token) =>
            {
                if (pay.Order != "poison")
                {
                    handled.Add(job.Crashes);
                    return;
                }
                poisoned.Add((worker, job.Crashes));
                await over.Task.WaitAsync(token);
            }, options => options.Concurrency = 1));
        }
        var sent = 0;
        await Wait.Until(
            async () =>
            {
                await _apps[0].Channels.SendAsync("payments", new Pay("short"));
                await handled.NextAsync();
                sent++;
                return workers.All(worker => worker.Asked.LastOrDefault() > Innocent);
            },
            "both workers ask for more than they can run");
        await Wait.Until(() => workers.Sum(worker => worker.Asked.Count) == sent + workers.Length, "both wait for messages");
        await _apps[0].Channels.SendManyAsync("payments", [new Pay("poison"), .. Enumerable.Range(0, Innocent).Select(number => new Pay($"{number}"))]);
        var first = await poisoned.NextAsync();

        _queue.Crash(first.Holder.Leases[0].WorkerId);
        var second = await poisoned.NextAsync();
        var innocent = await handled.NextAsync(Innocent);
        over.SetResult();

        Assert.NotSame(first.Holder, second.Holder); // the one that had been asking for more
        Assert.Equal(1, second.Crashes);
        Assert.All(innocent, crashes => Assert.Equal(1, crashes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_worker_has_died_with_begins_when_the_others_are_given_back_or_cannot_be(bool canBe)
    {
        const int Others = 5;
        var (handled, asked, landed) = (new Inbox<(bool IsLanded, int Crashes)>(), new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue)
        {
            OnAbandon = () =>
            {
                asked.Add(1);
                return landed.Task;
            },
        };
        await EnqueueAsync("payments", Others + 1);
        await StartAsync(watched, host => host.MapChannel("payments", (Pay _, JobContext job) => handled.Add((landed.Task.IsCompleted, job.Crashes)), options => options.Concurrency = Others + 1));
        await asked.NextAsync(Others);
        var next = handled.NextAsync();

        if (canBe)
            landed.SetResult();
        else
            await AdvanceUntilAsync(next);
        var first = await next;
        landed.TrySetResult();
        var rest = await handled.NextAsync(Others);

        Assert.Equal((canBe, 1), first);
        Assert.All(rest, message => Assert.Equal((true, 1), message));
    }

    [Fact]
    public async Task A_worker_that_stops_while_it_gives_back_what_must_not_share_a_crash_begins_nothing()
    {
        var (began, asked, landed) = (new Inbox<int>(), new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue)
        {
            OnAbandon = () =>
            {
                asked.Add(1);
                return landed.Task;
            },
        };
        await EnqueueAsync("payments", 2);
        var app = await StartAsync(watched, host => host.MapChannel("payments", (Pay _, JobContext job) => began.Add(job.Crashes), options => options.Concurrency = 2));
        await asked.NextAsync();

        var stopping = app.StopAsync();
        await asked.NextAsync(); // what was to run alone is given back, too
        landed.SetResult();
        await Wait.For(stopping, "the worker to stop");

        Assert.Equal(0, began.Count);
        Assert.Equal((2, 0), (await _queue.ListChannelsAsync()).Select(status => (status.Ready, status.InFlight)).Single());
    }

    // As if a worker had died with each of the messages.
    private async Task EnqueueAsync(ChannelName channel, int count) => await _queue.EnqueueAsync(
        channel,
        [.. Enumerable.Range(0, count).Select(_ => new Envelope(new Message("pay", """{"order":"1"}"""u8.ToArray())) { Id = MessageId.New(_clock), Channel = channel, SentAt = _clock.GetUtcNow(), Crashes = 1 })],
        EnqueueOptions.Default);

    private async Task AdvanceUntilAsync(Task task) => await Wait.Until(
        () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return task.IsCompleted;
        },
        "the clock has moved far enough");

    private static void Track(ChannelOptions options) => options.Track = true;

    private WorkerApp Create(IWorkQueue queue, Action<IHost> map, Action<WorkerOptions>? worker = null)
    {
        var app = new WorkerApp(_backplane, queue, _clock, map, worker);
        _apps.Add(app);
        return app;
    }

    private async Task<WorkerApp> StartAsync(IWorkQueue queue, Action<IHost> map, Action<WorkerOptions>? worker = null)
    {
        var app = Create(queue, map, worker);
        await app.StartAsync();
        return app;
    }
}
