using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task A_call_whose_token_is_cancelled_already_does_nothing()
    {
        var lease = await WorkerAsync();
        var waits = Of("waits");
        await EnqueueAsync(Of("dead"));
        await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, null);
        await EnqueueAsync(waits);
        var cancelled = new CancellationToken(canceled: true);
        List<Func<Task>> calls =
        [
            () => Queue.EnqueueAsync(Channel, [Of("refused")], EnqueueOptions.Default, cancelled).AsTask(),
            () => Queue.OpenReceiverAsync(LeaseOptions, cancelled).AsTask(),
            () => lease.ReceiveAsync(Channel, 1, cancelled).AsTask(),
            () => Operator.ListChannelsAsync(cancelled).AsTask(),
            () => Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 1, cancelled).AsTask(),
            () => Operator.ReplayAsync(Channel, DeadLetterFilter.All, cancelled).AsTask(),
            () => Operator.PurgeAsync(Channel, DeadLetterFilter.All, cancelled).AsTask(),
            () => Operator.FlushAsync(cancelled).AsTask(),
        ];
        if (Queue.Features.HasFlag(WorkQueueFeatures.Cancel))
            calls.Add(() => Queue.CancelAsync(Channel, waits.Id, cancelled).AsTask());

        foreach (var call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(call(), "the refusal"));

        await EnqueueAsync(Of("last")); // behind all of them, if they were on their way
        await AssertStatusAsync((2, 0, 1), status => (status.Ready, status.InFlight, status.Dead));
        Assert.Equal(["last", "waits"], (await DrainAsync(lease, 2)).Order());
        await AssertNothingReadyAsync();
    }

    [Fact]
    public async Task What_a_call_needs_and_does_not_get_is_named()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));
        var message = await TakeOneAsync(lease);
        (string Name, Func<Task> Call)[] calls =
        [
            ("envelopes", () => Queue.EnqueueAsync(Channel, null!, EnqueueOptions.Default).AsTask()),
            ("options", () => Queue.EnqueueAsync(Channel, [Of("2")], null!).AsTask()),
            ("options", () => Queue.OpenReceiverAsync(null!).AsTask()),
            ("message", () => lease.CompleteAsync(null!).AsTask()),
            ("message", () => lease.AbandonAsync(null!, new AbandonOptions()).AsTask()),
            ("message", () => lease.DeadLetterAsync(null!, DeadLetterReason.Rejected, null).AsTask()),
            ("options", () => lease.AbandonAsync(message, null!).AsTask()),
            ("filter", () => Operator.ListDeadLettersAsync(Channel, null!, 1).AsTask()),
            ("filter", () => Operator.ReplayAsync(Channel, null!).AsTask()),
            ("filter", () => Operator.PurgeAsync(Channel, null!).AsTask()),
        ];

        foreach (var (name, call) in calls)
            Assert.Equal(name, (await Assert.ThrowsAsync<ArgumentNullException>(call)).ParamName);

        Assert.True(await lease.CompleteAsync(message));
    }

    [Fact]
    public async Task Whoever_asks_for_less_than_one_is_refused()
    {
        var lease = await WorkerAsync();

        Assert.Equal("max", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => lease.ReceiveAsync(Channel, 0).AsTask())).ParamName);
        Assert.Equal("limit", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 0).AsTask())).ParamName);
    }

    [Fact]
    public async Task Counters_that_have_come_to_their_end_stay_there()
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes))
            return;
        var (dies, lives) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1") with { Attempt = ushort.MaxValue, Crashes = ushort.MaxValue });

        await dies.AbandonAsync(await TakeOneAsync(dies), new AbandonOptions());
        await TakeOneAsync(dies);
        await CrashAsync(dies);
        var message = await TakeOneAsync(lives);
        await lives.DeadLetterAsync(message, DeadLetterReason.Rejected, null);
        var letter = Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));

        Assert.Equal((ushort.MaxValue, ushort.MaxValue), (message.Envelope.Attempt, message.Envelope.Crashes));
        Assert.Equal((ushort.MaxValue, ushort.MaxValue), (letter.Envelope.Attempt, letter.Envelope.Crashes));
    }

    [Fact]
    public async Task A_body_may_grow_large_and_shrink_again_while_the_message_waits()
    {
        var lease = await WorkerAsync();
        var large = new string('x', 300_000);
        await EnqueueAsync(Of("small"));

        foreach (var text in new[] { large, large + "y", "small again" })
        {
            await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions { Body = System.Text.Encoding.UTF8.GetBytes(text) });
            var message = await TakeOneAsync(lease);
            Assert.Equal(text, Text(message));
            await lease.AbandonAsync(message, AbandonOptions.Untouched);
        }

        Assert.Equal(["small again"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_message_may_wait_and_live_and_its_sender_wait_for_room_longer_than_timers_take()
    {
        var (lease, years) = (await WorkerAsync(), TimeSpan.FromDays(3_000));
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = years };
        await Queue.EnqueueAsync(Channel, [Of("1") with { TimeToLive = years }], options);
        var waiting = Queue.EnqueueAsync(Channel, [Of("2") with { Delay = years, TimeToLive = years * 1.1 }], options).AsTask();

        Assert.Equal(["1"], await DrainAsync(lease, 1));
        Assert.Equal(1, await Wait.For(waiting, "room"));
        using var cancel = new CancellationTokenSource();
        var receiving = lease.ReceiveAsync(Channel, 1, cancel.Token).AsTask();
        await EnqueueAsync(Of("3"));

        Assert.Equal("3", Text(Assert.Single(await Wait.For(receiving, "the one that is due"))));
        await AssertStatusAsync((0, 1), status => (status.Ready, status.Scheduled));
    }
}
