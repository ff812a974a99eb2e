using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public sealed class InMemoryWorkersTests : WorkersSpecification
{
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;

    public InMemoryWorkersTests()
    {
        _backplane = new(Clock);
        _queue = new(Clock);
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer() => (_backplane, _queue);

    protected override Task CrashAsync(IWorkQueue queue, IWorkReceiver lease)
    {
        _queue.Crash(lease.WorkerId);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Nothing_is_left_when_all_is_handled()
    {
        var handled = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) =>
        {
            handled.Add(pay.Order);
            return Task.CompletedTask;
        }, Track));

        await app.Channels.SendManyAsync("payments", Enumerable.Range(0, 50).Select(number => new Pay($"{number}")));
        await handled.NextAsync(50);
        await NothingHeldAsync(app);
        await app.StopAsync();

        Assert.Equal(0, app.RunningJobs);
        Clock.Advance(TimeSpan.FromDays(366)); // for so long it is remembered that the channel has consumers
        await _backplane.PublishAsync(Topic.OfGroup("any"), default, retention: null); // ageing comes with traffic
        Assert.Equal(0, _backplane.TopicCount);
        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_cancels_its_handlers_and_goes_on_with_a_new_one()
    {
        var attempts = new Inbox<(int Attempt, int Crashes, CancellationToken Token)>();
        var goOn = new TaskCompletionSource();
        var queue = new WatchedQueue(_queue);
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", async (Pay _, JobContext job, CancellationToken token) =>
        {
            attempts.Add((job.Attempt, job.Crashes, token));
            await goOn.Task.WaitAsync(token);
        }, Track));
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var first = await attempts.NextAsync();

        _queue.Crash(queue.Leases[0].WorkerId);
        var second = await attempts.NextAsync();
        var meanwhile = await app.Jobs.FindAsync(sent.Id);
        goOn.SetResult();

        Assert.True(first.Token.IsCancellationRequested);
        Assert.Equal((1, 1), (second.Attempt, second.Crashes));
        Assert.Equal(JobState.Running, meanwhile!.State);
        Assert.Equal(JobState.Succeeded, (await StateAsync(app, sent.Id, JobState.Succeeded)).State);
        Assert.Equal(2, queue.Leases.Count);
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_does_not_say_what_becomes_of_others_messages()
    {
        var began = new Inbox<int>();
        var stuck = new TaskCompletionSource();
        var queue = new WatchedQueue(_queue);
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Crashes);
            if (job.Crashes > 0)
                return "done";
            await stuck.Task; // ignores its token
            throw new InvalidOperationException("Too late to matter.");
        }, Track));
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        _queue.Crash(queue.Leases[0].WorkerId);
        await AdvanceUntilAsync(began.NextAsync(), TimeSpan.FromSeconds(1));
        await StateAsync(app, sent.Id, JobState.Succeeded);
        stuck.SetResult();
        await Wait.Until(() => app.RunningJobs == 0, "the zombie has returned");

        Assert.Equal(JobState.Succeeded, (await app.Jobs.FindAsync(sent.Id))!.State);
    }

    [Fact]
    public async Task A_layer_that_never_answers_when_messages_are_handed_back_holds_up_a_worker_for_its_grace_at_most()
    {
        var began = new Inbox<string>();
        var goOn = new TaskCompletionSource();
        var (asked, never) = (new Inbox<int>(), new TaskCompletionSource());
        var queue = new WatchedQueue(_queue)
        {
            OnAbandon = () =>
            {
                asked.Add(1);
                return never.Task;
            },
        };
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "long")
                await goOn.Task;
        }, options => options.Concurrency = 1));
        await app.StartAsync();
        await app.BeginLongAsync(began);
        await app.Channels.SendManyAsync("payments", [new Pay("a"), new Pay("b")]);
        await Wait.Until(() => app.RunningJobs == 3, "the worker has them all");

        var stopping = app.StopAsync();
        await asked.NextAsync(2);
        goOn.SetResult();
        await Wait.Until(() => app.RunningJobs == 0, "the long one is done"); // or the grace might end before
        await AdvanceUntilAsync(stopping.ContinueWith(static _ => true, TaskScheduler.Default), TimeSpan.FromSeconds(5));

        Assert.Contains("The layer has not confirmed what became of 2 messages", Assert.Single(app.Log.Of(3037)).Text, StringComparison.Ordinal);
        Assert.Equal(2, (await _queue.ListChannelsAsync()).Sum(status => status.Ready)); // they came back with the lease
    }

    [Fact]
    public async Task Receiving_that_fails_is_tried_again_until_it_works()
    {
        var handled = new Inbox<string>();
        var queue = new WatchedQueue(_queue) { FailingReceives = 5 };
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", (Pay pay) => handled.Add(pay.Order)));
        await app.StartAsync();
        await app.Channels.SendAsync("payments", new Pay("1"));

        var order = await AdvanceUntilAsync(handled.NextAsync(), TimeSpan.FromSeconds(1));

        Assert.Equal("1", order);
        Assert.Equal(5, app.Log.Of(3006).Count());
    }

    [Fact]
    public async Task Receiving_that_fails_for_long_is_tried_again_every_ten_seconds()
    {
        var handled = new Inbox<string>();
        var queue = new WatchedQueue(_queue) { FailingReceives = 9 };
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", (Pay pay) => handled.Add(pay.Order)));
        await app.StartAsync();
        await app.Channels.SendAsync("payments", new Pay("1"));

        await AdvanceUntilAsync(handled.NextAsync(), TimeSpan.FromSeconds(5));

        Assert.Equal([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], app.Log.Of(3006).Select(static entry => TimeSpan.Parse(entry.Text.TrimEnd('.').Split(' ')[^1], CultureInfo.InvariantCulture).TotalSeconds));
    }

    [Fact]
    public async Task A_failure_to_receive_is_tried_again_soon_however_long_the_one_before_it_lasted()
    {
        var handled = new Inbox<string>();
        var queue = new WatchedQueue(_queue) { FailingReceives = 5 };
        await using var app = new WorkerApp(_backplane, queue, Clock, host => host.MapChannel("payments", (Pay pay) => handled.Add(pay.Order)));
        await app.StartAsync();
        await app.Channels.SendAsync("payments", new Pay("1"));
        await AdvanceUntilAsync(handled.NextAsync(), TimeSpan.FromSeconds(1));
        await Wait.Until(() => queue.Asked.Count == 7, "the worker to ask for more");

        queue.FailingReceives = 1;
        await app.Channels.SendManyAsync("payments", [new Pay("2"), new Pay("3")]);
        await AdvanceUntilAsync(handled.NextAsync(2), TimeSpan.FromMilliseconds(100));
        await Wait.Until(() => app.Log.Of(3006).Count() == 6, "the failure is told");

        Assert.EndsWith("trying again in 00:00:00.1000000.", app.Log.Of(3006).Last().Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_layer_that_is_away_when_the_worker_starts_does_not_end_it()
    {
        var handled = new Inbox<string>();
        await using var app = new WorkerApp(new WatchedBackplane(_backplane) { FailingSubscriptions = 3 }, new WatchedQueue(_queue) { FailingLeases = 2 }, Clock, host => host.MapChannel("payments", (Pay pay) => handled.Add(pay.Order)));
        await app.StartAsync();
        await app.Channels.SendAsync("payments", new Pay("1"));

        var order = await AdvanceUntilAsync(handled.NextAsync(), TimeSpan.FromMilliseconds(500));

        Assert.Equal("1", order);
        Assert.Equal(5, app.Log.Of(3007).Count());
    }

    [Fact]
    public async Task A_worker_leaves_as_soon_as_its_application_begins_to_stop()
    {
        var (began, goOn) = (new Inbox<string>(), new TaskCompletionSource());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "long")
                await goOn.Task;
        }, options => options.Concurrency = 1));
        await app.BeginLongAsync(began);
        await app.Channels.SendManyAsync("payments", [new Pay("a"), new Pay("b")]);
        await Wait.Until(() => app.RunningJobs == 3, "the worker has them all");

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication(); // and no service is told to stop yet

        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.Ready) == 2, "what has not begun is handed back");
        goOn.SetResult();
    }

    [Fact]
    public async Task States_that_cannot_be_published_for_a_while_do_not_repeat_the_work()
    {
        var handled = new Inbox<int>();
        var backplane = new WatchedBackplane(_backplane);
        await using var app = new WorkerApp(backplane, _queue, Clock, host => host.MapChannel("payments", (Pay _, JobContext job) =>
        {
            handled.Add(job.Attempt);
            return Task.CompletedTask;
        }, Track));
        await app.StartAsync();
        var scheduled = await app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromSeconds(1) });

        backplane.FailingPublications = 4;
        var done = StateAsync(app, scheduled.Id, JobState.Succeeded);
        await AdvanceUntilAsync(done, TimeSpan.FromMilliseconds(500));

        Assert.Equal(1, await handled.NextAsync());
        Assert.Equal(0, handled.Count);
    }

    [Fact]
    public async Task The_end_of_a_job_that_cannot_be_published_for_long_is_published_when_it_can_be()
    {
        var began = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        var backplane = new WatchedBackplane(_backplane);
        await using var app = new WorkerApp(backplane, _queue, Clock, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
        }, Track));
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();
        backplane.FailingPublications = int.MaxValue;
        goOn.SetResult();
        await AdvanceUntilAsync(NothingHeldAsync(app).ContinueWith(static _ => true, TaskScheduler.Default), TimeSpan.FromSeconds(1));
        var meanwhile = await app.Jobs.FindAsync(sent.Id);
        Clock.Advance(TimeSpan.FromMinutes(10));

        backplane.FailingPublications = 0;
        await AdvanceUntilAsync(StateAsync(app, sent.Id, JobState.Succeeded), TimeSpan.FromSeconds(1));

        Assert.Equal(JobState.Running, meanwhile!.State);
        Assert.Equal(0, began.Count);
    }

    [Fact]
    public async Task The_end_of_a_job_that_ends_while_its_worker_stops_is_published_before_the_application_ends()
    {
        var (began, goOn, settled) = (new Inbox<int>(), new TaskCompletionSource(), new TaskCompletionSource());
        var (backplane, queue) = (new WatchedBackplane(_backplane), new WatchedQueue(_queue) { Completing = settled.Task });
        await using var app = new WorkerApp(backplane, queue, Clock, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
        }, Track), worker => worker.ShutdownGrace = TimeSpan.Zero);
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        backplane.FailingPublications = int.MaxValue;
        var stopping = app.StopAsync();
        await Wait.Until(() => app.Log.Of(3012).Any(), "the grace is over");
        goOn.SetResult();
        await Wait.Until(() => app.Log.Of(3010).Any(), "its end cannot be published");
        backplane.FailingPublications = 0;
        settled.SetResult();
        await Wait.For(stopping, "the application to stop");

        Assert.Equal(JobState.Succeeded, (await app.Jobs.FindAsync(sent.Id))!.State);
    }

    [Fact]
    public async Task A_worker_that_could_not_publish_the_end_of_a_job_and_turns_out_to_have_lost_it_does_not_tell_the_end_later()
    {
        var began = new Inbox<int>();
        var goOn = new TaskCompletionSource();
        var (backplane, queue) = (new WatchedBackplane(_backplane), new WatchedQueue(_queue) { RefusesToComplete = true });
        await using var app = new WorkerApp(backplane, queue, Clock, host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Attempt);
            await goOn.Task;
        }, Track));
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();
        backplane.FailingPublications = int.MaxValue;
        goOn.SetResult();
        await AdvanceUntilAsync(Wait.Until(() => app.Log.Of(3008).Any(), "the layer says no").ContinueWith(static _ => true, TaskScheduler.Default), TimeSpan.FromSeconds(1));

        backplane.FailingPublications = 0;
        await app.StopAsync(); // whatever waits is published now

        Assert.Equal(JobState.Running, (await app.Jobs.FindAsync(sent.Id))!.State);
        Assert.Empty(app.Log.Of(3034));
    }
}
