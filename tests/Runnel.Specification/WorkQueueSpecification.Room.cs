using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task Messages_of_one_sender_are_stored_in_the_order_of_its_calls_also_when_it_does_not_wait_for_each()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        const int Senders = 8, Each = 150;
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            List<Task<int>> sending = [];
            for (var i = 0; i < Each; i++)
            {
                var message = Of($"{i}", key: $"{sender}");
                sending.Add(Queue.EnqueueAsync(Channel, [message], EnqueueOptions.Default).AsTask());
            }
            await Wait.For(Task.WhenAll(sending), "the messages to be stored");
        })));

        var lease = await WorkerAsync();
        var handled = new Dictionary<string, List<string>>();
        while (handled.Values.Sum(texts => texts.Count) < Senders * Each)
        {
            foreach (var message in await TakeAsync(lease, Senders))
            {
                if (!handled.TryGetValue(message.Envelope.Key!, out var texts))
                    handled.Add(message.Envelope.Key!, texts = []);
                texts.Add(Text(message));
                Assert.True(await lease.CompleteAsync(message));
            }
        }
        Assert.All(handled.Values, texts => Assert.Equal(Enumerable.Range(0, Each).Select(i => $"{i}"), texts));
    }

    [Fact]
    public async Task A_sender_has_the_capacity_that_it_asks_for_whoever_sends_at_the_same_time()
    {
        await EnqueueAsync(Of("1"), Of("2"));
        async Task<bool> IsStoredAsync(int capacity)
        {
            try
            {
                return await Queue.EnqueueAsync(Channel, [Of("next")], CapacityOf(capacity)) == 1;
            }
            catch (ChannelFullException)
            {
                return false;
            }
        }

        var sending = Enumerable.Range(0, 40).Select(number => IsStoredAsync(number % 2 == 0 ? 100 : 2)).ToList();

        Assert.Equal(Enumerable.Range(0, 40).Select(number => number % 2 == 0), await Wait.For(Task.WhenAll(sending), "the answers"));
        Assert.Equal(22, (await StatusAsync())?.Ready);
    }

    [Fact]
    public async Task Senders_of_several_messages_each_store_no_more_together_than_the_capacity()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        async Task<int> StoreAsync()
        {
            try
            {
                return await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], CapacityOf(11));
            }
            catch (ChannelFullException)
            {
                return 0;
            }
        }

        var sending = Enumerable.Range(0, 20).Select(_ => StoreAsync()).ToList();

        Assert.Equal(10, (await Wait.For(Task.WhenAll(sending), "the answers")).Sum());
        Assert.Equal(10, (await StatusAsync())?.Ready);
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_is_not_overtaken_by_one_that_would_find_some()
    {
        var lease = await WorkerAsync();
        var waits = new EnqueueOptions { Capacity = 3, WaitForRoom = Clock.Units(1000) };
        await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], waits);

        // At once, so that the second is on its way before anybody knows that there is no room for the first.
        var large = Queue.EnqueueAsync(Channel, [Of("3"), Of("4")], waits).AsTask();
        var small = Queue.EnqueueAsync(Channel, [Of("5")], waits).AsTask();
        var received = await DrainAsync(lease, 5);

        Assert.Equal(2, await Wait.For(large, "room for the large batch"));
        Assert.Equal(1, await Wait.For(small, "room for the small one"));
        Assert.Equal(["1", "2", "3", "4", "5"], received);
    }

    [Fact]
    public async Task While_somebody_waits_for_room_one_that_does_not_wait_is_refused_and_one_that_does_gets_in_line()
    {
        var lease = await WorkerAsync();
        var (refused, waits) = (CapacityOf(3), new EnqueueOptions { Capacity = 3, WaitForRoom = Clock.Units(1000) });
        await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], waits);

        var large = Queue.EnqueueAsync(Channel, [Of("3"), Of("4")], waits).AsTask();
        await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Of("x")], refused));
        var small = Queue.EnqueueAsync(Channel, [Of("5")], waits).AsTask();
        var first = await TakeOneAsync(lease);

        Assert.Equal(2, await Wait.For(large, "room for the large batch"));
        Assert.False(small.IsCompleted);
        Assert.True(await lease.CompleteAsync(first));
        Assert.Equal(["2", "3", "4", "5"], await DrainAsync(lease, 4));
        Assert.Equal(1, await Wait.For(small, "room for the small one"));
    }

    [Fact]
    public async Task When_nobody_waits_for_room_any_more_one_that_does_not_wait_gets_some()
    {
        var lease = await WorkerAsync();
        var limits = CapacityOf(1);
        await Queue.EnqueueAsync(Channel, [Of("1")], limits);
        var waiting = Queue.EnqueueAsync(Channel, [Of("2")], limits with { WaitForRoom = Clock.Units(1000) }).AsTask();
        await Assert.ThrowsAsync<ChannelFullException>(async () => await Queue.EnqueueAsync(Channel, [Of("x")], limits));

        Assert.Equal(["1", "2"], await DrainAsync(lease, 2));
        await Wait.For(waiting, "room for the one that waited");

        Assert.Equal(1, await Queue.EnqueueAsync(Channel, [Of("3")], limits));
    }

    [Fact]
    public async Task Many_that_do_not_wait_for_each_other_get_room_in_the_order_of_their_calls()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        const int Count = 40;
        var lease = await WorkerAsync();
        var waits = new EnqueueOptions { Capacity = 5, WaitForRoom = Clock.Units(1000) };

        // Batches of one to three messages, every other with a key: what would find room does not go before what found none.
        List<string> free = [], keyed = [];
        List<Task<int>> sending = [];
        for (var number = 0; number < Count; number += 1 + (sending.Count % 3))
        {
            var isKeyed = sending.Count % 2 == 0;
            string[] texts = [.. Enumerable.Range(number, 1 + ((sending.Count + 1) % 3)).Select(each => $"{each}")];
            (isKeyed ? keyed : free).AddRange(texts);
            sending.Add(Queue.EnqueueAsync(Channel, [.. texts.Select(text => Of(text, isKeyed ? "k" : null))], waits).AsTask());
        }
        var received = await DrainAsync(lease, free.Count + keyed.Count);
        await Wait.For(Task.WhenAll(sending), "room for all");

        Assert.Equal(keyed, received.Where(keyed.Contains));
        Assert.Equal(free, received.Where(free.Contains));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_a_large_batch_gives_up_waiting_the_small_one_behind_it_gets_its_room_at_once(bool isCancelled)
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        using var cancel = new CancellationTokenSource();
        var waits = new EnqueueOptions { Capacity = 3, WaitForRoom = Clock.Units(1000) };
        await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], waits);
        var large = Queue.EnqueueAsync(Channel, [Of("3"), Of("4")], isCancelled ? waits : waits with { WaitForRoom = Clock.Units(2) }, cancel.Token).AsTask();
        var small = Queue.EnqueueAsync(Channel, [Of("5")], waits).AsTask();

        if (isCancelled)
        {
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(large, "the large batch to give up"));
        }
        else
        {
            await Clock.AdvanceAsync(2.5);
            await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(large, "the large batch to give up"));
        }

        Assert.Equal(1, await Wait.For(small, "room for the small one"));
        Assert.Equal(["1", "2", "5"], await DrainAsync(await WorkerAsync(), 3));
    }

    [Fact]
    public async Task A_large_batch_that_is_refused_and_does_not_wait_keeps_no_room_from_what_is_sent_behind_it()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        const int Capacity = 50, Room = 20;
        async Task<int> SendAsync(int count) => await Queue.EnqueueAsync(Channel, [.. Enumerable.Range(0, count).Select(_ => Of("x"))], CapacityOf(Capacity));
        await SendAsync(Capacity - Room);

        // All at once, so that a layer may carry many of them together.
        var sending = Enumerable.Range(0, Room).Select(_ => (Large: SendAsync(Room + 1), Small: SendAsync(1))).ToList();

        foreach (var (large, small) in sending)
        {
            await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(large, "the refusal"));
            Assert.Equal(1, await Wait.For(small, "the small one to be stored"));
        }
        Assert.Equal(Capacity, (await StatusAsync())?.Ready);
    }

    [Fact]
    public async Task A_sender_whose_wait_ends_as_it_gets_room_is_refused_only_if_nothing_was_stored()
    {
        var lease = await WorkerAsync();
        var waits = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1) };
        var channels = Enumerable.Range(0, 6).Select(i => (ChannelName)$"payments.{i}").ToArray();
        for (var i = 0; i < 5; i++)
        {
            List<(ChannelName Channel, Task<int> Waiting, Task<ReceivedMessage> Taking)> rounds = [];
            foreach (var channel in channels)
            {
                await Queue.EnqueueAsync(channel, [Of("first")], EnqueueOptions.Default); // by a real clock, making the channel may take longer than the wait
                rounds.Add((channel, Queue.EnqueueAsync(channel, [Of("second")], waits).AsTask(), TakeOneAsync(lease, channel)));
            }

            await Clock.AdvanceAsync(1);

            foreach (var (channel, waiting, taking) in rounds)
            {
                var stored = await StoredAsync(waiting);
                Assert.True(await lease.CompleteAsync(await taking));
                if (Queue.Features.HasFlag(WorkQueueFeatures.FullStatus))
                    Assert.Equal(stored, (await Operator.ListChannelsAsync()).SingleOrDefault(status => status.Channel == channel)?.Ready ?? 0);
                if (stored > 0)
                    Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease, channel)));
            }
        }

        static async Task<int> StoredAsync(Task<int> sending)
        {
            try
            {
                return await Wait.For(sending, "the wait for room to end");
            }
            catch (ChannelFullException)
            {
                return 0;
            }
        }
    }
}
