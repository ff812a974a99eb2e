using System.Runtime.InteropServices;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task A_second_message_with_the_same_deduplication_id_is_refused_within_the_window_also_when_the_first_is_finished()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        var lease = await WorkerAsync();
        Envelope Pay(string text) => Of(text) with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(3) };

        Assert.Equal(1, await EnqueueAsync(Pay("1")));
        Assert.Equal(0, await EnqueueAsync(Pay("2")));
        Assert.Equal(["1"], await DrainAsync(lease, 1));
        Assert.Equal(0, await EnqueueAsync(Pay("3")));
        await AssertNothingHeldAsync();
        await Clock.AdvanceAsync(4);
        Assert.Equal(1, await EnqueueAsync(Pay("4")));

        Assert.Equal(["4"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_window_that_ended_lets_the_same_id_in_though_the_first_is_still_queued()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        Envelope Pay(string text) => Of(text) with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(1) };
        await EnqueueAsync(Pay("1"));
        await Clock.AdvanceAsync(2);

        Assert.Equal(1, await EnqueueAsync(Pay("2")));

        Assert.Equal(["1", "2"], await DrainAsync(await WorkerAsync(), 2));
    }

    [Fact]
    public async Task Each_window_ends_at_its_own_time_also_when_another_one_has_just_ended()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        Envelope Pay(string id, double units) => Of(id) with { DeduplicationId = id, DeduplicationWindow = Clock.Units(units) };
        await EnqueueAsync(Pay("first", 2), Pay("second", 2.05), Pay("third", 1000));

        await Clock.AdvanceAsync(2.01);
        Assert.Equal(1, await EnqueueAsync(Pay("first", 1000)));
        await Clock.AdvanceAsync(0.05);

        Assert.Equal(1, await EnqueueAsync(Pay("second", 1000)));
        Assert.Equal(0, await EnqueueAsync(Pay("first", 1000), Pay("second", 1000), Pay("third", 1000)));
    }

    [Fact]
    public async Task Doubles_are_found_within_one_batch_and_the_others_are_stored()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        Envelope Pay(string text, string id) => Of(text) with { DeduplicationId = id, DeduplicationWindow = Clock.Units(100) };

        var stored = await EnqueueAsync(Pay("1", "a"), Pay("2", "a"), Of("3"), Pay("4", "b"));

        Assert.Equal(3, stored);
        Assert.Equal(["1", "3", "4"], await DrainAsync(await WorkerAsync(), 3));
    }

    [Fact]
    public async Task A_deduplication_id_is_one_channels_own()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        Envelope Pay() => Of("1") with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(100) };
        await EnqueueAsync(Pay());

        Assert.Equal(1, await Queue.EnqueueAsync("refunds", [Pay()], EnqueueOptions.Default));
    }

    [Fact]
    public async Task A_double_needs_no_room_and_what_was_refused_for_want_of_room_is_not_remembered()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;

        Envelope Pay(string text, string id) => Of(text) with { DeduplicationId = id, DeduplicationWindow = Clock.Units(100) };
        await Queue.EnqueueAsync(Channel, [Pay("1", "a")], CapacityOf(1));

        Assert.Equal(0, await Queue.EnqueueAsync(Channel, [Pay("2", "a")], CapacityOf(1)));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Pay("3", "b")], CapacityOf(1)));

        Assert.Equal(1, await Queue.EnqueueAsync(Channel, [Pay("4", "b")], CapacityOf(2)));
    }

    [Fact]
    public async Task A_full_channel_refuses_and_stores_nothing_of_the_batch()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], CapacityOf(3));

        var full = await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Of("3"), Of("4")], CapacityOf(3)));
        await Queue.EnqueueAsync(Channel, [Of("5")], CapacityOf(3));

        Assert.Equal((Channel, 3), (full.Channel, full.Capacity));
        Assert.Equal(["1", "2", "5"], await DrainAsync(await WorkerAsync(), 3));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task Ready_scheduled_and_blocked_messages_count_and_those_in_workers_hands_do_not()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder) || !await PromisesAsync(WorkQueueFeatures.ExactCapacity))
            return;
        var lease = await WorkerAsync();
        await Queue.EnqueueAsync(Channel, [Of("held", "k"), Of("blocked", "k"), Of("later") with { NotBefore = Clock.Now + Clock.Units(100) }], CapacityOf(3));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Of("x")], CapacityOf(3)));

        var held = await TakeOneAsync(lease);
        await Queue.EnqueueAsync(Channel, [Of("ready")], CapacityOf(3));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Of("x")], CapacityOf(3)));

        // Giving back is never refused.
        Assert.True(await lease.AbandonAsync(held, AbandonOptions.Untouched));
        await AssertStatusAsync((2, 1, 1), status => (status.Ready, status.Scheduled, status.Blocked));
    }

    [Fact]
    public async Task A_wait_for_room_ends_with_its_limit_or_its_token_and_leaves_nothing()
    {
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(2) };
        await EnqueueAsync(Of("1")); // without a limit: by a real clock, making the channel may take longer
        using var cancel = new CancellationTokenSource();

        var cancelled = Queue.EnqueueAsync(Channel, [Of("2")], options with { WaitForRoom = Clock.Units(1000) }, cancel.Token).AsTask();
        var limited = Queue.EnqueueAsync(Channel, [Of("3")], options).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(cancelled, "the cancelled wait to end"));
        await Clock.AdvanceAsync(2.5);
        await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(limited, "the limited wait to end"));

        Assert.Equal(["1"], await DrainAsync(await WorkerAsync(), 1));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_batch_larger_than_the_capacity_is_refused_at_once()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };

        await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], options).AsTask(), "the refusal"));

        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_messages_memory_may_be_used_again_as_soon_as_the_call_has_returned_its_task()
    {
        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        Envelope[] envelopes = [Of("first"), Of("second")];

        var storing = envelopes.Select(envelope => Queue.EnqueueAsync(Channel, [envelope], options).AsTask()).ToArray();
        foreach (var envelope in envelopes)
            MemoryMarshal.AsMemory(envelope.Message.Body).Span.Fill((byte)'x');

        Assert.Equal(["first", "second"], await DrainAsync(await WorkerAsync(), 2));
        Assert.Equal(2, (await Wait.For(Task.WhenAll(storing), "both to be stored")).Sum());
    }

    [Fact]
    public async Task Storing_nothing_is_fine() => Assert.Equal(0, await EnqueueAsync());
}
