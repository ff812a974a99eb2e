using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Fact]
    public async Task Messages_of_one_key_are_handled_in_the_order_sent_also_across_retries()
    {
        if (await LacksAsync(options => options.Ordered = true))
            return;
        var seen = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay, JobContext job) =>
        {
            seen.Add($"{pay.Order}/{job.Attempt}");
            return pay.Order == "2" && job.Attempt < 3 ? throw new TimeoutException("Not yet.") : Task.CompletedTask;
        }, options =>
        {
            RetryAtOnce(options);
            options.Ordered = true;
        }));

        await app.Channels.SendManyAsync("payments", [new Pay("1"), new Pay("2"), new Pay("3"), new Pay("4")], new SendOptions { Key = "k" });

        Assert.Equal(["1/1", "2/1", "2/2", "2/3", "3/1", "4/1"], await seen.NextAsync(6));
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task Messages_of_all_sizes_that_are_sent_together_arrive_as_they_were()
    {
        if (await LacksAsync(options => options.Ordered = true))
            return;
        var seen = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) => seen.Add(pay.Order), options => options.Ordered = true));
        string[] orders = ["", .. new[] { 1, 300, 5_000, 16_000, 300, 40_000, 200_000, 7, 16_384, 100_000 }.Select((length, at) => new string((char)('a' + at), length))];

        await app.Channels.SendManyAsync("payments", orders.Select(order => new Pay(order)), new SendOptions { Key = "k" });
        await app.Channels.SendAsync("payments", new Pay("last"), new SendOptions { Key = "k" });

        Assert.Equal([.. orders, "last"], await seen.NextAsync(orders.Length + 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_that_waits_is_never_early_and_comes_when_it_is_due(bool asDelay)
    {
        if (WaitsForDelays())
            return;
        var seen = new Inbox<(string Order, DateTimeOffset At)>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) =>
        {
            seen.Add((pay.Order, Clock.GetUtcNow()));
            return Task.CompletedTask;
        }));
        var due = Clock.GetUtcNow().AddSeconds(10);
        await app.Channels.SendAsync("payments", new Pay("later"), asDelay ? new SendOptions { Delay = TimeSpan.FromSeconds(10) } : new SendOptions { NotBefore = due });

        Clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        await app.Channels.SendAsync("payments", new Pay("marker"));
        var marker = await seen.NextAsync();
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        var later = await seen.NextAsync();

        Assert.Equal("marker", marker.Order);
        Assert.Equal("later", later.Order);
        Assert.True(later.At >= due);
    }

    [Fact]
    public async Task A_second_message_with_a_deduplication_id_is_not_handled()
    {
        if (await LacksAsync(options => (options.Track, options.Deduplicate) = (true, true)))
            return;
        var seen = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) =>
        {
            seen.Add(pay.Order);
            return Task.CompletedTask;
        }, options => (options.Track, options.Deduplicate) = (true, true)));
        var once = new SendOptions { DeduplicationId = "order-1" };

        var first = await app.Channels.SendAsync("payments", new Pay("1"), once);
        var second = await app.Channels.SendAsync("payments", new Pay("2"), once);
        var many = await app.Channels.SendManyAsync("payments", [new Pay("3"), new Pay("4")], once with { DeduplicationId = "order-3" });
        await StateAsync(app, first.Id, JobState.Succeeded);
        await StateAsync(app, many[0].Id, JobState.Succeeded);

        Assert.Equal([false, true, false, true], [first.IsDuplicate, second.IsDuplicate, many[0].IsDuplicate, many[1].IsDuplicate]);
        Assert.Equal(["1", "3"], (await seen.NextAsync(2)).Order());
        Clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Null(await app.Jobs.FindAsync(second.Id));
        Assert.Null(await app.Jobs.FindAsync(many[1].Id));
        Assert.Equal(0, seen.Count);
    }

    [Fact]
    public async Task An_expired_message_is_not_handled()
    {
        var seen = new Inbox<string>();
        var app = CreateHost(host => host.MapChannel("payments", (Pay pay) =>
        {
            seen.Add(pay.Order);
            return Task.CompletedTask;
        }));
        await app.Channels.SendAsync("payments", new Pay("expired"), new SendOptions { Expiry = TimeSpan.FromSeconds(5) });

        Clock.Advance(TimeSpan.FromSeconds(6));
        await app.StartAsync();
        await app.Channels.SendAsync("payments", new Pay("marker"));

        Assert.Equal("marker", await seen.NextAsync());
    }

    [Fact]
    public async Task A_full_channel_refuses_or_waits_for_room_as_it_is_told()
    {
        if (await LacksAsync(Track))
            return;
        var app = CreateHost(host =>
        {
            host.MapChannel("impatient", (Pay _) => Task.CompletedTask, options => (options.Capacity, options.WaitForRoom, options.Track) = (1, TimeSpan.Zero, true));
            host.MapChannel("patient", (Pay _) => Task.CompletedTask, options => options.Capacity = 1);
            host.MapChannel("very-patient", (Pay _) => Task.CompletedTask, options => (options.Capacity, options.WaitForRoom) = (1, Wait.Limit)); // a worker may take a while to begin
        });
        await app.Channels.SendAsync("impatient", new Pay("1"));
        await app.Channels.SendAsync("patient", new Pay("1"));
        await app.Channels.SendAsync("very-patient", new Pay("1"));
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAsync<ChannelFullException>(async () => await app.Channels.SendAsync("impatient", new Pay("2")));
        var gaveUp = Assert.ThrowsAsync<ChannelFullException>(async () => await app.Channels.SendAsync("patient", new Pay("2")));
        await AdvanceUntilAsync(gaveUp, TimeSpan.FromSeconds(5));
        var cancelled = app.Channels.SendAsync("very-patient", new Pay("2"), cancellationToken: cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var waiting = app.Channels.SendAsync("very-patient", new Pay("3")).AsTask();
        await app.StartAsync();
        await Wait.For(waiting, "room");

        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_when_it_is_sent()
    {
        if (await LacksAsync(Track))
            return;
        var app = CreateHost(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, options =>
        {
            Track(options);
            options.MaxMessageBytes = 100;
        }));

        await Assert.ThrowsAsync<MessageTooLargeException>(async () => await app.Channels.SendAsync("payments", new Pay(new string('x', 100))));

        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task Nothing_is_lost_when_workers_stop_and_others_start()
    {
        var seen = new Inbox<string>();
        void Map(IHost host) => host.MapChannel("payments", (Pay pay) =>
        {
            seen.Add(pay.Order);
            return Task.CompletedTask;
        });
        var web = CreateHost(Map, worker => worker.Enabled = false);
        await web.StartAsync();

        for (var round = 0; round < 5; round++)
        {
            var worker = await StartAsync(Map);
            await web.Channels.SendManyAsync("payments", Enumerable.Range(0, 40).Select(number => new Pay($"{round}-{number}")));
            await worker.StopAsync();
        }
        await StartAsync(Map);
        var all = await seen.NextAsync(200);

        await NothingHeldAsync(web);
        Assert.Equal(200, all.Distinct().Count());
        Assert.Equal(0, seen.Count);
    }

    [Fact]
    public async Task A_worker_that_stops_hands_back_at_once_what_it_has_not_begun_and_lets_the_rest_finish()
    {
        var began = new Inbox<(string Order, int Attempt)>();
        var goOn = new TaskCompletionSource();
        void Map(IHost host) => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            began.Add((pay.Order, job.Attempt));
            if (pay.Order == "long")
                await goOn.Task;
        }, options => options.Concurrency = 1);
        var worker = await StartAsync(Map);
        await worker.BeginLongAsync(began);
        await worker.Channels.SendManyAsync("payments", [new Pay("a"), new Pay("b")]);

        var stopping = worker.StopAsync();
        await StartAsync(Map);
        var elsewhere = await began.NextAsync(2);
        var stoppedEarly = stopping.IsCompleted;
        goOn.SetResult();
        await Wait.For(stopping, "the worker to stop");

        Assert.Equal([("a", 1), ("b", 1)], elsewhere.Order());
        Assert.False(stoppedEarly);
        await NothingHeldAsync(worker);
    }

    [Fact]
    public async Task A_handler_that_outlasts_the_grace_is_cancelled_and_its_message_handed_back_without_an_attempt()
    {
        if (await LacksAsync(Track))
            return;
        var began = new Inbox<(int Attempt, int Crashes)>();
        var isFirst = true;
        void Map(IHost host) => host.MapChannel("payments", async (Pay _, JobContext job, CancellationToken token) =>
        {
            began.Add((job.Attempt, job.Crashes));
            if (isFirst)
                await Task.Delay(Timeout.InfiniteTimeSpan, Clock, token);
        }, Track);
        var worker = await StartAsync(Map);
        var sent = await worker.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        var stopping = worker.StopAsync();
        await AdvanceUntilAsync(stopping.ContinueWith(_ => true, TaskScheduler.Default), TimeSpan.FromSeconds(5));
        isFirst = false;
        var waiting = await worker.Jobs.FindAsync(sent.Id);
        await StartAsync(Map);

        Assert.Equal(JobState.Queued, waiting!.State);
        Assert.Equal((1, 0), await began.NextAsync());
        Assert.StartsWith("1 handlers did not finish within the grace", Assert.Single(worker.Log.Of(3012)).Text, StringComparison.Ordinal);
        await NothingHeldAsync(worker);
    }

    [Fact]
    public async Task What_waits_for_a_thread_is_not_begun_any_more_once_the_worker_stops()
    {
        var began = new Inbox<string>();
        var goOn = new TaskCompletionSource();
        var worker = await StartAsync(
            host =>
            {
                foreach (var channel in new[] { "a", "b", "c" })
                {
                    host.MapChannel(channel, async (Pay pay) =>
                    {
                        began.Add(pay.Order);
                        await goOn.Task;
                    });
                }
            },
            options => options.Threads = 1);
        foreach (var channel in new[] { "a", "b", "c" })
            await worker.Channels.SendManyAsync(channel, [new Pay(channel), new Pay(channel)]);
        await began.NextAsync();

        var stopping = worker.StopAsync();
        // Before the handler ends, since its end lets the next one begin for as long as the worker has not heard that it is to stop.
        await UntilHandedBackAsync();
        goOn.SetResult();
        await Wait.For(stopping, "the worker to stop");

        Assert.Equal(0, began.Count);
        await UntilHandedBackAsync(); // RabbitMQ takes back what a channel held a moment after it has closed it

        Task UntilHandedBackAsync() => Wait.Until(
            async () => (await worker.Operator.ListChannelsAsync()).Sum(status => status.Ready) == 5, "what has not begun is handed back");
    }

    [Fact]
    public async Task A_message_to_a_channel_that_no_worker_has_ever_taken_from_is_told_of_once()
    {
        if (Lacks(BackplaneFeatures.History))
            return;
        var seen = new Inbox<string>();
        var worker = await StartAsync(host => host.MapChannel("payments", (Pay pay) => seen.Add(pay.Order)));
        await worker.Channels.SendAsync("payments", new Pay("1"));
        await seen.NextAsync();
        await worker.StopAsync(); // as if it were being restarted
        var sender = await StartAsync(_ => { });

        await sender.Channels.SendAsync("payments", new Pay("2"));
        await sender.Channels.SendAsync("paymentz", new Pay("3"));
        await sender.Channels.SendManyAsync("paymentz", [new Pay("4"), new Pay("5")]);
        await sender.Channels.SendAsync(new string('p', ChannelName.MaxLength), new Pay("6"));
        await Wait.Until(() => sender.Log.Of(3015).Count() == 2, "it is told");

        Assert.Single(sender.Log.Lines, entry => entry.Contains("channel 'paymentz', but no worker", StringComparison.Ordinal));
        Assert.DoesNotContain(sender.Log.Lines, entry => entry.Contains("'payments'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_channel_whose_name_is_as_long_as_may_be_is_consumed_and_nobody_is_told_otherwise()
    {
        if (Lacks(BackplaneFeatures.History))
            return;
        var (seen, channel) = (new Inbox<string>(), new ChannelName(new string('p', ChannelName.MaxLength)));
        var worker = await StartAsync(host => host.MapChannel(channel, (Pay pay) => seen.Add(pay.Order)));
        await worker.Channels.SendAsync(channel, new Pay("0"));
        Assert.Equal("0", await seen.NextAsync()); // so that it has begun
        var sender = await StartAsync(_ => { });

        await sender.Channels.SendManyAsync(channel, [new Pay("1")]);
        await sender.Channels.SendManyAsync("unheard-of", [new Pay("2")]);
        await Wait.Until(() => sender.Log.Of(3015).Any(), "the other channel is told of");

        Assert.Equal("1", await seen.NextAsync());
        Assert.Contains("channel 'unheard-of'", Assert.Single(sender.Log.Of(3015)).Text, StringComparison.Ordinal);
        Assert.Empty(sender.Log.Of(3016));
    }
}
