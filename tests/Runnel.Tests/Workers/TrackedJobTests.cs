using System.Text;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What is told of a job while it runs and when it ends, and how often.</summary>
public sealed class TrackedJobTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly WatchedBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;
    private readonly WorkerApps _apps = new();

    public TrackedJobTests() => (_backplane, _queue) = (new(new InMemoryBackplane(_clock)), new(_clock));

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Fact]
    public async Task Progress_is_told_at_most_twenty_times_a_second_and_the_last_always()
    {
        var (reports, began, goOn) = (new Inbox<double>(), new Inbox<JobContext>(), new TaskCompletionSource());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job);
            await goOn.Task;
            await job.ReportAsync(1.000001, "cut to one");
        }, options => options.Track = true));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var job = await began.NextAsync();
        var before = _backplane.Published.Count;

        for (var report = 1; report <= 2000; report++)
        {
            await job.ReportAsync(report / 2001.0, $"step {report}");
            if (report == 1)
                await Wait.Until(() => _backplane.Published.Count > before, "the first report is out");
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        var during = _backplane.Published.Count - before;
        goOn.SetResult();
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.InRange(during, 1, 41);
        Assert.Equal((JobState.Succeeded, 1.0, "cut to one"), (last.State, last.Progress, last.Text));
    }

    [Fact]
    public async Task Progress_that_is_reported_while_the_one_before_rests_waits_for_its_turn()
    {
        var (began, goOn) = (new Inbox<JobContext>(), new TaskCompletionSource());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job);
            await goOn.Task;
        }, options => options.Track = true));
        await app.Channels.SendAsync("payments", new Pay("1"));
        var job = await began.NextAsync();
        var (timers, before) = (_clock.ArmedTimers, _backplane.Published.Count);

        await job.ReportAsync(0.1);
        await Wait.Until(() => _clock.ArmedTimers > timers, "the first report is out, and rests");
        await job.ReportAsync(0.2);
        await job.ReportAsync(0.3);
        var resting = _backplane.Published.Count - before;
        _clock.Advance(TimeSpan.FromMilliseconds(50));
        await Wait.Until(() => _backplane.Published.Count - before == 2 && _clock.ArmedTimers > timers, "the latest is out, and rests");
        goOn.SetResult();

        Assert.Equal(1, resting);
    }

    [Fact]
    public async Task The_end_of_a_job_is_told_after_the_progress_that_is_on_its_way()
    {
        var (began, goOn, onItsWay, delivered) = (new Inbox<JobContext>(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job);
            await goOn.Task;
        }, options => options.Track = true));
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var job = await began.NextAsync();
        _backplane.Hold = envelope =>
        {
            if (!Encoding.UTF8.GetString(envelope.Message.Body.Span).Contains("half", StringComparison.Ordinal) || onItsWay.Task.IsCompleted)
                return Task.CompletedTask;
            onItsWay.SetResult();
            return delivered.Task;
        };

        await job.ReportAsync(0.5, "half");
        await Wait.For(onItsWay.Task, "the progress to be on its way");
        await Task.Run(goOn.SetResult); // and on the same thread all that follows, up to what has to wait
        var meanwhile = await app.Jobs.FindAsync(sent.Id);
        delivered.SetResult();
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.Equal(JobState.Running, meanwhile!.State);
        Assert.Equal((JobState.Succeeded, 1.0), (last.State, last.Progress));
        await Wait.Until(() => app.RunningJobs == 0, "the worker is done with it");
        Assert.Equal(JobState.Succeeded, (await app.Jobs.FindAsync(sent.Id))!.State);
    }

    [Fact]
    public async Task A_callback_that_throws_when_a_job_is_cancelled_hurts_nobody_else()
    {
        var began = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay, CancellationToken token) =>
        {
            if (pay.Order == "nasty")
                token.Register(() => throw new InvalidOperationException("Nasty."));
            began.Add(pay.Order);
            if (pay.Order == "nasty")
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
        }, options => (options.Track, options.Cancellable) = (true, true)));
        var sent = await app.Channels.SendAsync("payments", new Pay("nasty"));
        await began.NextAsync();

        await app.Jobs.CancelAsync("payments", sent.Id);
        var last = await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");
        await app.Channels.SendAsync("payments", new Pay("next"));

        Assert.Equal(JobState.Cancelled, last.State);
        Assert.Equal("next", await began.NextAsync());
    }

    private Task<WorkerApp> StartAsync(Action<IHost> map) => _apps.StartAsync(new(_backplane, _queue, _clock, map));
}
