using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task A_time_between_two_milliseconds_is_not_early_either()
    {
        var lease = await WorkerAsync();
        var due = Clock.Now + Clock.Units(2) + TimeSpan.FromTicks(3_456);
        await EnqueueAsync(Of("later") with { NotBefore = due });

        await TakeNotBeforeAsync(lease, due);
    }

    [Fact]
    public async Task Delayed_messages_come_in_the_order_of_their_times()
    {
        var lease = await WorkerAsync();
        var now = Clock.Now;
        foreach (var units in new[] { 3, 1, 4, 2 })
            await EnqueueAsync(Of($"{units}") with { NotBefore = now + Clock.Units(units) });

        List<string> received = [];
        for (var units = 1; units <= 4; units++)
        {
            var message = await TakeNotBeforeAsync(lease, now + Clock.Units(units));
            received.Add(Text(message));
            await lease.CompleteAsync(message);
        }

        Assert.Equal(["1", "2", "3", "4"], received);
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_time_that_has_passed_delays_nothing()
    {
        await EnqueueAsync(Of("1") with { NotBefore = Clock.Now - Clock.Units(1) });

        Assert.Equal("1", Text(await TakeOneAsync(await WorkerAsync())));
    }

    [Theory]
    [InlineData(-3600, null)]
    [InlineData(3600, null)]
    [InlineData(3600, "k")]
    public async Task A_delay_counts_by_the_clock_of_the_layer_whatever_time_the_sender_has(int wrongBy, string? key)
    {
        var lease = await WorkerAsync();
        var due = Clock.Now + Clock.Units(2);
        await EnqueueAsync(Of("later", key) with { SentAt = Clock.Now.AddSeconds(wrongBy), Delay = Clock.Units(2) });

        var message = await TakeNotBeforeAsync(lease, due);

        Assert.Equal(("later", TimeSpan.Zero), (Text(message), message.Envelope.Delay));
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public async Task A_time_to_live_counts_by_the_clock_of_the_layer_whatever_time_the_sender_has(int wrongBy)
    {
        var lease = await WorkerAsync();
        var sent = Clock.Now.AddSeconds(wrongBy);
        await EnqueueAsync(
            Of("short", "k") with { SentAt = sent, TimeToLive = Clock.Units(2) },
            Of("long", "k") with { SentAt = sent, TimeToLive = Clock.Units(1000) },
            Of("for ever") with { SentAt = sent, TimeToLive = TimeSpan.MaxValue });
        var stored = Clock.Now;

        await Clock.AdvanceAsync(3);
        var left = await TakeAllAsync(lease, 2);

        Assert.Equal(["for ever", "long"], left.Select(Text).Order());
        var expiry = left.Single(message => Text(message) == "long").Envelope.ExpiresAt;
        Assert.InRange(expiry!.Value, sent.AddSeconds(-wrongBy) + Clock.Units(1000) - TimeSpan.FromMilliseconds(1), stored + Clock.Units(1000));
    }

    [Fact]
    public async Task A_delay_of_a_message_that_waits_for_room_counts_from_when_it_has_room()
    {
        var lease = await WorkerAsync();
        var options = CapacityOf(1) with { WaitForRoom = Clock.Units(1000) };
        await Queue.EnqueueAsync(Channel, [Of("1")], options);
        var waiting = Queue.EnqueueAsync(Channel, [Of("2") with { Delay = Clock.Units(2), TimeToLive = Clock.Units(10) }], options).AsTask();
        await Clock.AdvanceAsync(11);

        var due = Clock.Now + Clock.Units(2);
        await lease.CompleteAsync(await TakeOneAsync(lease));
        await Wait.For(waiting, "room");

        Assert.Equal("2", Text(await TakeNotBeforeAsync(lease, due)));
    }

    [Theory]
    [InlineData(null, "step 2")]
    [InlineData("k", "step 2")]
    [InlineData("k", null)]
    public async Task What_a_worker_gave_back_for_later_and_with_another_body_comes_so_to_the_next_worker_when_it_leaves(string? key, string? body)
    {
        if (key is not null && !await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var leaves = await WorkerAsync();
        await EnqueueAsync(Of("step 1", key));
        var due = Clock.Now + Clock.Units(2);
        Assert.True(await leaves.AbandonAsync(await TakeOneAsync(leaves), new AbandonOptions { Delay = Clock.Units(2), Body = body is null ? default(ReadOnlyMemory<byte>?) : System.Text.Encoding.UTF8.GetBytes(body) }));

        await leaves.DisposeAsync();
        var next = await WorkerAsync();
        var taking = TakeAtAsync();
        await Clock.AdvanceAsync(3);

        var (message, at) = await taking;
        Assert.Equal((body ?? "step 1", 1, 0), (Text(message), message.Envelope.Attempt, message.Envelope.Crashes));
        Assert.True(at >= due, "It came before its time.");
        Assert.True(await next.CompleteAsync(message));

        async Task<(ReceivedMessage Message, DateTimeOffset At)> TakeAtAsync() => (await TakeOneAsync(next), Clock.Now);
    }

    [Fact]
    public async Task The_layer_says_what_time_it_is()
    {
        var before = Clock.Now;

        var time = await Queue.GetTimeAsync();

        Assert.InRange(time, before.AddMilliseconds(-1), Clock.Now.AddMilliseconds(1));
    }

    [Fact]
    public async Task A_message_that_no_worker_has_can_be_cancelled_wherever_it_waits()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var lease = await WorkerAsync();
        var (queued, scheduled, first, blocked, retried) =
            (Of("queued"), Of("scheduled") with { NotBefore = Clock.Now + Clock.Units(2) }, Of("first", "k"), Of("blocked", "k"), Of("retried"));
        await EnqueueAsync(retried);
        await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions { Delay = Clock.Units(2) });
        await EnqueueAsync(queued, scheduled, first, blocked);

        foreach (var message in new[] { queued, scheduled, blocked, retried })
        {
            Assert.True(await Queue.CancelAsync(Channel, message.Id));
            Assert.False(await Queue.CancelAsync(Channel, message.Id));
        }

        Assert.Equal(["first"], await DrainAsync(lease, 1));
        await Clock.AdvanceAsync(3);
        await AssertNothingReadyAsync();
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_message_in_a_workers_hands_or_finished_or_unknown_cannot_be_cancelled()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var lease = await WorkerAsync();
        var (held, finished, dead) = (Of("held"), Of("finished"), Of("dead"));
        await EnqueueAsync(held, finished, dead);
        var taken = await TakeAllAsync(lease, 3);
        await lease.CompleteAsync(taken[1]);
        await lease.DeadLetterAsync(taken[2], DeadLetterReason.Rejected, null);

        Assert.False(await Queue.CancelAsync(Channel, held.Id));
        Assert.False(await Queue.CancelAsync(Channel, finished.Id));
        Assert.False(await Queue.CancelAsync(Channel, dead.Id));
        Assert.False(await Queue.CancelAsync(Channel, Of("unknown").Id));
        Assert.False(await Queue.CancelAsync("elsewhere", held.Id));
        Assert.True(await lease.CompleteAsync(taken[0]));
    }

    [Fact]
    public async Task A_message_given_back_can_be_cancelled_again()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var lease = await WorkerAsync();
        var message = Of("1");
        await EnqueueAsync(message);
        Assert.False(await Queue.CancelAsync(Channel, Of("unknown").Id));
        await lease.AbandonAsync(await TakeOneAsync(lease), AbandonOptions.Untouched);

        Assert.True(await Queue.CancelAsync(Channel, message.Id));

        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task The_line_keeps_its_order_and_its_count_when_most_of_it_is_cancelled()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        const int Count = 1_000;
        var lease = await WorkerAsync();
        List<Envelope> sent = [.. Enumerable.Range(0, Count).Select(i => Of($"{i}"))];
        await EnqueueAsync([.. sent]);
        var held = await TakeAllAsync(lease, 3);
        var cancelled = sent.Skip(3).Where((_, i) => i % 10 != 0).ToList();

        foreach (var message in cancelled.Where((_, i) => i % 2 == 0).Concat(cancelled.Where((_, i) => i % 2 == 1).Reverse()))
            Assert.True(await Queue.CancelAsync(Channel, message.Id));
        await EnqueueAsync(Of("new"));
        foreach (var message in held)
            await lease.AbandonAsync(message, AbandonOptions.Untouched);

        List<string> left = [.. sent.Except(cancelled).Select(Text), "new"];
        Assert.Equal(left.Count, (await StatusAsync())?.Ready);
        Assert.Equal(left, await DrainAsync(lease, left.Count));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_message_that_was_cancelled_and_is_sent_again_is_handled_once_and_in_its_keys_order()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var lease = await WorkerAsync();
        var (again, other) = (Of("again", "k"), Of("other", "k"));
        await EnqueueAsync(Of("free"), again);
        await Queue.CancelAsync(Channel, again.Id);
        await EnqueueAsync(other, again);
        await Queue.CancelAsync(Channel, again.Id);
        await EnqueueAsync(again);

        var first = await TakeAllAsync(lease, 2);

        Assert.Equal(["free", "other"], first.Select(Text));
        await AssertNothingReadyAsync();
        await lease.CompleteAsync(first[0]);
        await lease.CompleteAsync(first[1]);
        Assert.Equal(["again"], await DrainAsync(lease, 1));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task An_expired_message_is_never_handed_out_wherever_it_waits()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        var expiry = Clock.Now + Clock.Units(2);
        await EnqueueAsync(Of("head", "k"));
        var head = await TakeOneAsync(lease);
        await EnqueueAsync(
            Of("ready") with { ExpiresAt = expiry },
            Of("blocked", "k") with { ExpiresAt = expiry },
            Of("scheduled") with { ExpiresAt = expiry, NotBefore = expiry + Clock.Units(1) },
            Of("last", "k"));

        await Clock.AdvanceAsync(4);
        await lease.CompleteAsync(head);

        Assert.Equal(["last"], await DrainAsync(lease, 1));
        await AssertNothingReadyAsync();
        await AssertNothingHeldAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_whose_worker_died_no_longer_expires_since_it_may_have_been_begun(bool diesLate)
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes) || !await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var dies = await WorkerAsync();
        await EnqueueAsync(Of("1", "k") with { ExpiresAt = Clock.Now + Clock.Units(10) }, Of("2", "k")); // a loaded machine may take a while to hand it out
        await TakeOneAsync(dies);

        if (diesLate)
            await Clock.AdvanceAsync(11);
        await CrashAsync(dies);
        if (!diesLate)
            await Clock.AdvanceAsync(11);

        var lease = await WorkerAsync();
        var again = await TakeOneAsync(lease);
        Assert.Equal(("1", 1, null), (Text(again), again.Envelope.Crashes, again.Envelope.ExpiresAt));
        await lease.AbandonAsync(again, new AbandonOptions());
        again = await TakeOneAsync(lease); // nor does it when it is retried
        Assert.Equal(("1", 1, null), (Text(again), again.Envelope.Attempt, again.Envelope.ExpiresAt));
        await lease.CompleteAsync(again);
        Assert.Equal(["2"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_message_does_not_expire_in_its_workers_hands_but_is_not_handed_out_again()
    {
        var lease = await WorkerAsync();
        var expiry = Clock.Now + Clock.Units(10); // a loaded machine may take a while to hand them out
        await EnqueueAsync(Of("completed") with { ExpiresAt = expiry }, Of("failed") with { ExpiresAt = expiry });
        var held = await TakeAllAsync(lease, 2);

        await Clock.AdvanceAsync(11);

        Assert.True(await lease.CompleteAsync(held[0]));
        Assert.True(await lease.AbandonAsync(held[1], new AbandonOptions()));
        await AssertNothingReadyAsync();
        await AssertNothingHeldAsync();
    }
}
