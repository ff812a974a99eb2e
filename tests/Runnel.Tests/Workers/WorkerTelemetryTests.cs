using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What is counted, logged and shown of jobs, and how much of it.</summary>
public sealed class WorkerTelemetryTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly WatchedQueue _queue;
    private readonly InMemoryBackplane _backplane;
    private readonly WorkerApps _apps = new();

    public WorkerTelemetryTests() => (_queue, _backplane) = (new WatchedQueue(new InMemoryWorkQueue(_clock)), new InMemoryBackplane(_clock));

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Fact]
    public async Task Every_end_of_a_message_is_counted_by_channel_and_outcome_and_every_run_is_timed()
    {
        const string Counted = "counted-by-outcome";
        var (outcomes, durations) = (new ConcurrentQueue<string>(), 0);
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name is RunnelTelemetry.JobsHandled or RunnelTelemetry.JobDuration)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (IsOf(tags, Counted))
                outcomes.Enqueue($"{value} {tags.ToArray().Single(tag => tag.Key == "outcome").Value}");
        });
        listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) =>
        {
            if (IsOf(tags, Counted) && seconds == 2)
                Interlocked.Increment(ref durations);
        });
        listener.Start();
        var runs = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel(Counted, (Pay pay, JobContext job) =>
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            runs.Add(pay.Order);
            if (pay.Order == "reschedules")
                job.Reschedule(TimeSpan.Zero, new Pay("again"));
            if (pay.Order == "fails" && job.Attempt == 1)
                throw new TimeoutException("boom");
            if (pay.Order == "gives up")
                throw new DeadLetterException("no");
        }, options => (options.Retry.BaseDelay, options.Concurrency) = (TimeSpan.Zero, 1))); // one at a time, so that an attempt is counted before the next one ends

        foreach (var (order, ends) in new[] { ("succeeds", "succeeded"), ("gives up", "dead"), ("fails", "retried succeeded"), ("reschedules", "rescheduled succeeded") })
        {
            outcomes.Clear();
            await app.Channels.SendAsync(Counted, new Pay(order));
            await Wait.Until(() => outcomes.Count == ends.Split(' ').Length, $"the end of what {order} is counted");
            Assert.Equal(ends.Split(' ').Select(end => $"1 {end}"), outcomes);
        }
        _queue.RefusesToComplete = true;
        outcomes.Clear();
        var lost = await app.Channels.SendAsync(Counted, new Pay("is lost"));
        await Wait.Until(() => outcomes.Contains("1 lost"), "the lost one is counted");

        await Wait.Until(() => Volatile.Read(ref durations) == 7, "every run is timed");
        await Wait.Until(() => app.Log.Of(3008).Any(entry => entry.Text.Contains($"{lost.Id}", StringComparison.Ordinal)), "the lost one is logged");
    }

    [Fact]
    public async Task A_job_that_is_cancelled_and_one_that_expires_are_counted_as_such()
    {
        const string Counted = "counted-when-nobody-wants-it";
        var outcomes = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == RunnelTelemetry.JobsHandled)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (IsOf(tags, Counted))
                outcomes.Enqueue($"{value} {tags.ToArray().Single(tag => tag.Key == "outcome").Value}");
        });
        listener.Start();
        var began = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel(Counted, async (Pay pay, CancellationToken token) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "long")
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
        }, options => (options.Cancellable, options.Concurrency) = (true, 1)));
        await app.Channels.SendAsync(Counted, new Pay("short")); // so that more is taken than runs
        await began.NextAsync();
        var cancelled = await app.Channels.SendAsync(Counted, new Pay("long"));
        await began.NextAsync();
        await app.Channels.SendAsync(Counted, new Pay("expires"), new SendOptions { Expiry = TimeSpan.FromSeconds(0.5) });
        await Wait.Until(() => app.RunningJobs == 2, "the worker has both");

        _clock.Advance(TimeSpan.FromSeconds(0.6)); // after a second it would be given back
        await app.Jobs.CancelAsync(Counted, cancelled.Id);
        await Wait.Until(() => outcomes.Count == 3, "all ends are counted");

        Assert.Equal(["1 succeeded", "1 cancelled", "1 expired"], outcomes);
        Assert.Equal(0, began.Count);
    }

    [Fact]
    public async Task What_a_failure_says_is_cut_where_it_is_kept()
    {
        var app = await StartAsync(
            host => host.MapChannel("payments", Task (Pay _) => throw new TimeoutException(new string('x', 20_000)), options => (options.Track, options.Retry.MaxAttempts) = (true, 1)),
            worker => worker.EnableDetailedErrors = true);

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(async () => (await _queue.ListDeadLettersAsync("payments", DeadLetterFilter.All, 1)).Count == 1, "it is a dead letter");
        var (status, letter) = (await app.Jobs.FindAsync(sent.Id), (await _queue.ListDeadLettersAsync("payments", DeadLetterFilter.All, 1))[0]);

        Assert.Equal((2_001, 2_001, 16_001), (status!.Error!.Length, status.ErrorDetail!.Length, letter.Error!.Length));
        Assert.All([status.Error, status.ErrorDetail, letter.Error], text => Assert.EndsWith("x…", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_settlement_that_the_layer_fails_is_logged_with_its_job()
    {
        _queue.Completing = Task.FromException(new IOException("The layer is away."));
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) => { }));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(() => app.Log.Of(3009).Any(), "it is logged");

        Assert.StartsWith($"Settling job {sent.Id} on channel 'payments' failed", Assert.Single(app.Log.Of(3009)).Text, StringComparison.Ordinal);
        _queue.Completing = null;
    }

    [Fact]
    public async Task Progress_without_a_text_keeps_the_text_before_and_is_never_outside_of_0_to_1()
    {
        var goOn = new TaskCompletionSource();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            await job.ReportAsync(-0.005, "half way");
            await job.ReportAsync(1.005);
            await goOn.Task;
        }, options => options.Track = true));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await Wait.Until(
            async () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(50)); // progress is told so often
                return (await app.Jobs.FindAsync(sent.Id))?.Progress == 1;
            },
            "the second report is told");

        Assert.Equal("half way", (await app.Jobs.FindAsync(sent.Id))!.Text);
        goOn.SetResult();
    }

    [Fact]
    public async Task A_message_with_tags_that_cannot_be_read_is_handled_and_its_job_has_none()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (Message _) => { }, options => options.Track = true));

        var sent = await app.Channels.SendAsync("payments", new Message("pay", "{}"u8.ToArray(), new Dictionary<string, string> { ["runnel-tags"] = "not JSON" }));
        await Wait.Until(async () => (await app.Jobs.FindAsync(sent.Id))?.State == JobState.Succeeded, "it is handled");

        Assert.Empty((await app.Jobs.FindAsync(sent.Id))!.Tags);
    }

    [Theory]
    [InlineData(60, 65)]
    [InlineData(2, 30)]
    public void The_host_waits_longer_than_the_workers_grace(int grace, int seconds)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().AddRunnelWorkers().ConfigureWorker(worker => worker.ShutdownGrace = TimeSpan.FromSeconds(grace));
        using var host = builder.Build();

        Assert.Equal(TimeSpan.FromSeconds(seconds), host.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    [Fact]
    public async Task What_a_worker_takes_is_logged_and_that_it_takes_nothing()
    {
        var works = await StartAsync(host =>
        {
            host.MapChannel("refunds", (Pay _) => { });
            host.MapChannel("payments", (Pay _) => { });
        });
        var rests = await StartAsync(static _ => { });

        await Wait.Until(() => works.Log.Of(3001).Any() && rests.Log.Of(3002).Any(), "both have said what they do");
        Assert.Equal("This worker takes the channels 'payments', 'refunds'.", Assert.Single(works.Log.Of(3001)).Text);
        Assert.Single(rests.Log.Of(3002));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_is_disposed_however_it_says_so(bool hasResult)
    {
        var seen = new Inbox<string>();
        var app = await StartAsync(
            host => _ = hasResult ? host.MapChannel<AnsweringConsumer>("payments") : host.MapChannel<PlainConsumer>("payments"), services: services => services.AddSingleton(seen));

        await app.Channels.SendAsync("payments", new Pay("1"));

        Assert.Equal(["handled", "disposed"], await seen.NextAsync(2));
    }

    private static bool IsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags, string channel) => tags.Contains(new KeyValuePair<string, object?>("channel", channel));

    private Task<WorkerApp> StartAsync(Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null) =>
        _apps.StartAsync(new(_backplane, _queue, _clock, map, worker, services));

    internal sealed class PlainConsumer(Inbox<string> seen) : ChannelConsumer<Pay>, IDisposable
    {
        public override Task OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken)
        {
            seen.Add("handled");
            return Task.CompletedTask;
        }

        public void Dispose() => seen.Add("disposed");
    }

    internal sealed class AnsweringConsumer(Inbox<string> seen) : ChannelConsumer<Pay, string>, IDisposable
    {
        public override Task<string> OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken)
        {
            seen.Add("handled");
            return Task.FromResult("done");
        }

        public void Dispose() => seen.Add("disposed");
    }
}
