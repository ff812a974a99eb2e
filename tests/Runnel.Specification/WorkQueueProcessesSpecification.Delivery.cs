using System.Collections.Concurrent;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueProcessesSpecification
{
    /// <summary>How many messages many are.</summary>
    protected virtual int ManyMessages => 2_000;

    [Fact]
    public async Task A_worker_that_waits_gets_the_message_that_comes()
    {
        var lease = await WorkerAsync();
        var receiving = lease.ReceiveAsync(Channel, 10).AsTask();
        Assert.False(receiving.IsCompleted);

        await EnqueueAsync(Of("late"));

        Assert.Equal("late", Text(Assert.Single(await Wait.For(receiving, "the message"))));
    }

    [Fact]
    public async Task A_message_in_a_workers_hands_is_nobody_elses()
    {
        var (one, two) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"), Of("2"));

        var (first, second) = (await TakeOneAsync(one), await TakeOneAsync(two));

        Assert.NotEqual(first.Id, second.Id);
        await AssertNothingReadyAsync();
    }

    [Fact]
    public async Task A_cancelled_receive_takes_nothing_and_loses_nothing()
    {
        var lease = await WorkerAsync();
        List<string> received = [];
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            using var cancel = new CancellationTokenSource();
            var receiving = lease.ReceiveAsync(Channel, 5, cancel.Token).AsTask();
            var sending = Task.Run(() => EnqueueAsync(Of($"{i}")).AsTask());
            for (var spin = random.Next(3); spin > 0; spin--)
                await Task.Yield();
            await cancel.CancelAsync();
            await Wait.For(sending, "the message to be stored");
            try
            {
                foreach (var message in await Wait.For(receiving, "the cancelled receive to end"))
                {
                    received.Add(Text(message));
                    await lease.CompleteAsync(message);
                }
            }
            catch (OperationCanceledException)
            {
                // Then its message is still there.
            }
        }

        received.AddRange(await DrainAsync(lease, 200 - received.Count));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}").Order(), received.Order());
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_message_stored_by_one_process_is_handled_in_another()
    {
        var other = await OpenedAsync();
        var lease = await WorkerAsync(queue: other.Queue);
        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();

        await EnqueueAsync(Of("there"));
        var message = Assert.Single(await Wait.For(waiting, "the message in the other process"));

        Assert.Equal("there", Text(message));
        if (Queue.Features.HasFlag(WorkQueueFeatures.Cancel))
            Assert.False(await Queue.CancelAsync(Channel, message.Id));
        Assert.True(await lease.CompleteAsync(message));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task Four_workers_handle_many_messages_once_each()
    {
        var other = await OpenedAsync();
        var handled = new ConcurrentDictionary<string, int>();
        using var done = new CancellationTokenSource();

        async Task WorkAsync(IWorkReceiver lease)
        {
            try
            {
                while (true)
                    await Task.WhenAll((await lease.ReceiveAsync(Channel, 16, done.Token)).Select(message => HandleAsync(lease, message)));
            }
            catch (OperationCanceledException) when (done.IsCancellationRequested)
            {
                // All are handled.
            }
        }
        async Task HandleAsync(IWorkReceiver lease, ReceivedMessage message)
        {
            handled.AddOrUpdate(Text(message), 1, (_, times) => times + 1);
            Assert.True(await lease.CompleteAsync(message));
            if (handled.Count == ManyMessages)
                await done.CancelAsync();
        }
        List<Task> working = [];
        for (var i = 0; i < 4; i++)
        {
            var lease = await WorkerAsync(queue: i % 2 == 0 ? Queue : other.Queue);
            working.Add(Task.Run(() => WorkAsync(lease)));
        }
        await Task.WhenAll(Enumerable.Range(0, 10).Select(sender => Task.Run(async () =>
        {
            for (var batch = 0; batch < 100; batch++)
                await EnqueueAsync([.. Enumerable.Range(0, ManyMessages / 1000).Select(i => Of($"{sender}.{batch}.{i}"))]);
        })));
        await Wait.For(Task.WhenAll(working), $"{ManyMessages} messages");

        Assert.Equal(ManyMessages, handled.Count);
        Assert.All(handled.Values, times => Assert.Equal(1, times));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task Who_waits_for_room_gets_it_in_turn()
    {
        if (!await PromisesAsync(WorkQueueFeatures.AtomicBatches))
            return;
        var lease = await WorkerAsync();
        var options = new EnqueueOptions { Capacity = 2, WaitForRoom = Clock.Units(1000) };
        await Queue.EnqueueAsync(Channel, [Of("1"), Of("2")], options);

        var first = Queue.EnqueueAsync(Channel, [Of("3"), Of("4")], options).AsTask();
        var second = Queue.EnqueueAsync(Channel, [Of("5")], options).AsTask();
        Assert.False(first.IsCompleted || second.IsCompleted);
        var received = await DrainAsync(lease, 5);

        Assert.Equal(2, await Wait.For(first, "room for the first"));
        Assert.Equal(1, await Wait.For(second, "room for the second"));
        Assert.Equal(["1", "2", "3", "4", "5"], received);
    }

    [Fact]
    public async Task Room_that_cancelling_or_expiring_makes_is_given_to_who_waits()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var options = new EnqueueOptions { Capacity = 1, WaitForRoom = Clock.Units(1000) };
        var cancelled = Of("1");
        await Queue.EnqueueAsync(Channel, [cancelled], options);
        var first = Queue.EnqueueAsync(Channel, [Of("2") with { ExpiresAt = Clock.Now + Clock.Units(2) }], options).AsTask();
        await Queue.CancelAsync(Channel, cancelled.Id);
        await Wait.For(first, "room that cancelling made");

        var second = Queue.EnqueueAsync(Channel, [Of("3")], options).AsTask();
        await Clock.AdvanceAsync(3);
        await Wait.For(second, "room that expiring made");

        Assert.Equal(["3"], await DrainAsync(await WorkerAsync(), 1));
    }

    [Fact]
    public async Task A_message_is_not_handed_out_before_its_time_and_is_then()
    {
        var lease = await WorkerAsync();
        var due = Clock.Now + Clock.Units(8); // a loaded machine may take a while to store them, and what is due by then is the first in line
        await EnqueueAsync(Of("later") with { NotBefore = due }, Of("now"));

        Assert.Equal("now", Assert.Single(await DrainAsync(lease, 1)));
        Assert.Equal("later", Text(await TakeNotBeforeAsync(lease, due)));
    }

    [Fact]
    public async Task A_delayed_message_outlives_the_worker_that_saw_its_retry()
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes))
            return;
        var leaves = await WorkerAsync();
        await EnqueueAsync(Of("1"));
        var due = Clock.Now + Clock.Units(2);
        await leaves.AbandonAsync(await TakeOneAsync(leaves), new AbandonOptions { Delay = Clock.Units(2) });
        await CrashAsync(leaves);

        var lease = await WorkerAsync();
        var again = await TakeNotBeforeAsync(lease, due);

        Assert.Equal((1, 0), (again.Envelope.Attempt, again.Envelope.Crashes));
    }

    [Fact]
    public async Task An_expired_message_makes_way_for_the_next_of_its_key()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        await EnqueueAsync(Of("1", "k") with { ExpiresAt = Clock.Now + Clock.Units(2) }, Of("2", "k"));

        await Clock.AdvanceAsync(3);

        Assert.Equal(["2"], await DrainAsync(await WorkerAsync(), 1));
    }
}
