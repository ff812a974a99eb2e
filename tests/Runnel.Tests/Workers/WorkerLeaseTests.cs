using System.Text;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a worker does whose lease is lost, or may be.</summary>
public sealed class WorkerLeaseTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;
    private readonly WorkerApps _apps = new();

    public WorkerLeaseTests() => (_backplane, _queue) = (new(_clock), new(_clock));

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

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
        await _clock.MoveUntil(TimeSpan.FromMilliseconds(100), () => next.IsCompleted, "it is taken again");

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
        var app = await _apps.StartAsync(new(backplane, watched, _clock, host => host.MapChannel("payments", (Pay _, JobContext job) => began.Add(job.Attempt), Track)));

        await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(() => watched.IsInDoubt, "it is told that the job runs");
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.Ready) == 1, "the message is given back");

        Assert.Equal(0, began.Count);
    }

    [Fact]
    public async Task Nobody_says_that_a_job_runs_while_the_lease_may_be_lost()
    {
        var (began, returned) = (new Inbox<int>(), new Inbox<int>());
        var watched = new WatchedQueue(_queue) { IsInDoubt = true };
        watched.OnAbandoned = () =>
        {
            returned.Add(1);
            return Task.CompletedTask;
        };
        var app = await StartAsync(watched, host => host.MapChannel("payments", (Pay _, JobContext job) => began.Add(job.Attempt), Track));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));

        await _clock.MoveUntil(TimeSpan.FromMilliseconds(100), () => returned.Count > 0, "the message is given back");

        Assert.Equal(JobState.Queued, (await app.Jobs.FindAsync(sent.Id))!.State);
        Assert.Equal(0, began.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // a receive says it, and the token is cancelled only later
    public async Task A_worker_that_lost_its_lease_says_so_and_waits_for_no_handler(bool isTokenCancelled)
    {
        var (began, stuck) = (new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue) { TellsOfLoss = isTokenCancelled };
        var app = await StartAsync(watched, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Crashes);
            await stuck.Task; // ignores its token
        }));
        await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();
        var worker = watched.Leases[0].WorkerId;

        _queue.Crash(worker);
        await Wait.Until(() => app.Log.Of(3012).Any(), "the worker gives the handler up");
        stuck.SetResult();

        Assert.StartsWith($"Worker {worker} lost its lease", Assert.Single(app.Log.Of(3005)).Text, StringComparison.Ordinal);
        Assert.StartsWith("1 handlers did not finish within the grace of 00:00:00;", Assert.Single(app.Log.Of(3012)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_asks_for_a_lease_as_long_as_it_was_told()
    {
        var watched = new WatchedQueue(_queue);
        await _apps.StartAsync(new(_backplane, watched, _clock, host => host.MapChannel("payments", (Pay _) => { }), worker => worker.LeaseDuration = TimeSpan.FromSeconds(42)));

        await Wait.Until(() => !watched.Opened.IsEmpty, "the worker asks for its lease");

        Assert.Equal(TimeSpan.FromSeconds(42), watched.Opened.First().LeaseDuration);
    }

    private static void Track(ChannelOptions options) => options.Track = true;

    private WorkerApp Create(IWorkQueue queue, Action<IHost> map) => _apps.Add(new(_backplane, queue, _clock, map));

    private Task<WorkerApp> StartAsync(IWorkQueue queue, Action<IHost> map) => _apps.StartAsync(new(_backplane, queue, _clock, map));
}
