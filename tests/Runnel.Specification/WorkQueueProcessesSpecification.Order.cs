using System.Collections.Concurrent;
using System.Globalization;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueProcessesSpecification
{
    [Fact]
    public async Task Messages_of_one_key_are_handed_out_one_after_another_and_of_different_keys_at_once()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("a1", "a"), Of("a2", "a"), Of("b1", "b"), Of("a3", "a"), Of("b2", "b"), Of("free"));

        var first = await TakeAllAsync(lease, 3);
        Assert.Equal(["a1", "b1", "free"], first.Select(Text).Order());
        await AssertNothingReadyAsync();
        await lease.CompleteAsync(first.Single(message => Text(message) == "b1"));
        Assert.Equal("b2", Text(await TakeOneAsync(lease)));
        await lease.CompleteAsync(first.Single(message => Text(message) == "a1"));
        Assert.Equal(["a2", "a3"], await DrainAsync(lease, 2));
    }

    [Fact]
    public async Task A_key_is_one_channels_own()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1", "k"));
        await Queue.EnqueueAsync("refunds", [Of("2", "k")], EnqueueOptions.Default);
        await TakeOneAsync(lease);

        Assert.Equal("2", Text(await TakeOneAsync(lease, "refunds")));
    }

    [Fact]
    public async Task A_failed_message_keeps_its_place_and_the_later_ones_of_its_key_wait_behind_it()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1", "k"), Of("2", "k"), Of("3", "k"));
        var due = Clock.Now + Clock.Units(2);
        await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions { Delay = Clock.Units(2) });
        await AssertNothingReadyBeforeAsync(due);

        var again = await TakeNotBeforeAsync(lease, due);
        Assert.Equal("1", Text(again));
        await lease.AbandonAsync(again, new AbandonOptions());

        Assert.Equal(["1", "2", "3"], await DrainAsync(lease, 3));
    }

    [Fact]
    public async Task A_delayed_message_keeps_the_later_ones_of_its_key_waiting()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        var due = Clock.Now + Clock.Units(2);
        await EnqueueAsync(Of("1", "k") with { NotBefore = due });
        await EnqueueAsync(Of("2", "k"));
        await AssertNothingReadyBeforeAsync(due);

        var first = await TakeNotBeforeAsync(lease, due);
        Assert.Equal("1", Text(first));
        await lease.CompleteAsync(first);

        Assert.Equal(["2"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_message_that_waits_behind_its_key_waits_for_its_own_time_too()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        var due = Clock.Now + Clock.Units(2);
        await EnqueueAsync(Of("1", "k"), Of("2", "k") with { NotBefore = due }, Of("3", "k"));
        await DrainAsync(lease, 1);
        await AssertNothingReadyBeforeAsync(due);

        var second = await TakeNotBeforeAsync(lease, due);

        Assert.Equal("2", Text(second));
        await lease.CompleteAsync(second);
        Assert.Equal(["3"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_key_goes_on_when_its_first_message_is_cancelled_or_put_aside()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;

        var lease = await WorkerAsync();
        var first = Of("1", "k");
        await EnqueueAsync(first, Of("2", "k"), Of("3", "k"));

        await Queue.CancelAsync(Channel, first.Id);
        await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, null);

        Assert.Equal(["3"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task A_keys_order_survives_its_workers_death_and_departure()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var (dies, leaves, stays) = (await WorkerAsync(), await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1", "k"), Of("2", "k"), Of("3", "k"));
        await TakeOneAsync(dies);
        await CrashAsync(dies);
        Assert.Equal("1", Text(await TakeOneAsync(leaves)));
        await leaves.DisposeAsync();

        Assert.Equal(["1", "2", "3"], await DrainAsync(stays, 3));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task What_is_stored_behind_a_message_whose_worker_died_is_handed_out_behind_it()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var dies = await WorkerAsync();
        await EnqueueAsync(Of("1", "k"));
        await TakeOneAsync(dies);
        await CrashAsync(dies);
        await EnqueueAsync(Of("2", "k"), Of("3", "k"));

        Assert.Equal(["1", "2", "3"], await DrainAsync(await WorkerAsync(), 3));
    }

    [Fact]
    public async Task Many_workers_keep_every_keys_order_across_retries()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        const int Keys = 20, Each = 40;
        var handled = new ConcurrentDictionary<string, ConcurrentQueue<int>>();
        var inside = new ConcurrentDictionary<string, int>();
        using var done = new CancellationTokenSource();
        var left = Keys * Each;

        async Task WorkAsync(IWorkReceiver lease, Random random)
        {
            try
            {
                while (true)
                {
                    foreach (var message in await lease.ReceiveAsync(Channel, 8, done.Token))
                    {
                        var key = message.Envelope.Key!;
                        Assert.Equal(1, inside.AddOrUpdate(key, 1, (_, count) => count + 1));
                        await Task.Yield();
                        inside.AddOrUpdate(key, 0, (_, count) => count - 1);
                        if (random.Next(4) == 0)
                        {
                            await lease.AbandonAsync(message, random.Next(2) == 0 ? AbandonOptions.Untouched : new AbandonOptions());
                            continue;
                        }
                        handled.GetOrAdd(key, _ => new()).Enqueue(int.Parse(Text(message), CultureInfo.InvariantCulture));
                        Assert.True(await lease.CompleteAsync(message));
                        if (Interlocked.Decrement(ref left) == 0)
                            await done.CancelAsync();
                    }
                }
            }
            catch (OperationCanceledException) when (done.IsCancellationRequested)
            {
                // All are handled.
            }
        }
        List<Task> working = [];
        for (var i = 0; i < 4; i++)
        {
            var (lease, random) = (await WorkerAsync(), new Random(i));
            working.Add(Task.Run(() => WorkAsync(lease, random)));
        }
        for (var i = 0; i < Each; i++)
            await EnqueueAsync([.. Enumerable.Range(0, Keys).Select(key => Of($"{i}", $"k{key}"))]);
        await Wait.For(Task.WhenAll(working), "all messages");

        Assert.Equal(Keys, handled.Count);
        Assert.All(handled.Values, numbers => Assert.Equal(Enumerable.Range(0, Each), numbers));
    }
}
