using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    private const int Many = 3_000;

    [Fact]
    public async Task However_many_messages_have_expired_none_is_handed_out_and_all_are_counted()
    {
        using var expired = new ExpiredCount();
        await EnqueueManyAsync("expires", expiry: Clock.Now + Clock.Units(5));
        await EnqueueAsync(Of("stays"));

        await Clock.AdvanceAsync(6);

        Assert.Equal(["stays"], await DrainAsync(await WorkerAsync(), 1));
        await AssertNothingHeldAsync();
        await Wait.Until(() => expired.Value >= Many, "all are counted");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task However_many_messages_of_a_key_have_expired_none_is_handed_out_and_the_next_one_is(bool isFirstHeld)
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        using var expired = new ExpiredCount();
        var lease = await WorkerAsync();
        var expiry = Clock.Now + Clock.Units(5);
        await EnqueueAsync(Of("first", "k") with { ExpiresAt = isFirstHeld ? null : expiry });
        var first = isFirstHeld ? await TakeOneAsync(lease) : null;
        await EnqueueManyAsync("expires", expiry, key: "k");
        await EnqueueAsync(Of("next", "k"));

        await Clock.AdvanceAsync(6);
        if (first is not null)
            Assert.True(await lease.CompleteAsync(first));

        Assert.Equal(["next"], await DrainAsync(lease, 1));
        await AssertNothingHeldAsync();
        await Wait.Until(() => expired.Value >= Many, "all are counted");
    }

    [Fact]
    public async Task A_message_that_has_expired_cannot_be_cancelled_though_it_may_not_have_been_swept_yet()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Cancel))
            return;
        List<Envelope> expiring = [.. Enumerable.Range(0, Many).Select(_ => Of("expires") with { ExpiresAt = Clock.Now + Clock.Units(5) })];
        foreach (var batch in expiring.Chunk(500))
            await EnqueueAsync(batch);

        await Clock.AdvanceAsync(6);
        // The last to be swept are asked for first.
        var cancelled = await Wait.For(Task.WhenAll(expiring.AsEnumerable().Reverse().Select(message => Queue.CancelAsync(Channel, message.Id).AsTask())), "all answers");

        Assert.DoesNotContain(true, cancelled);
    }

    [Fact]
    public async Task What_has_expired_takes_no_room()
    {
        if (!await PromisesAsync(WorkQueueFeatures.ExactCapacity))
            return;
        await EnqueueManyAsync("expires", expiry: Clock.Now + Clock.Units(5), capacity: Many);

        await Clock.AdvanceAsync(6);
        await Queue.EnqueueAsync(Channel, [.. Enumerable.Range(0, Many).Select(_ => Of("new"))], CapacityOf(Many));

        Assert.Equal(Many, (await StatusAsync())?.Ready);
    }

    [Fact]
    public async Task A_worker_that_waits_gets_the_next_message_of_a_key_as_soon_as_the_first_one_expires()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        var expiry = Clock.Now + Clock.Units(2);
        await EnqueueAsync(Of("first", "k") with { NotBefore = Clock.Now + Clock.Units(1000), ExpiresAt = expiry }, Of("next", "k"));
        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();
        Assert.False(waiting.IsCompleted && Clock.Now < expiry); // a real clock may have gone on past it

        await Clock.AdvanceAsync(3);

        Assert.Equal("next", Text(Assert.Single(await Wait.For(waiting, "the next one"))));
    }

    [Fact]
    public async Task A_message_that_expires_in_a_workers_hands_is_out_of_the_way_of_its_key_when_it_is_given_back_for_later()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        using var expired = new ExpiredCount();
        var lease = await WorkerAsync();
        var first = await TakeBeforeItExpiresAsync(lease);
        await Clock.AdvanceAsync(2);
        await Queue.EnqueueAsync("other", [Of("other")], EnqueueOptions.Default); // the layer looks for what has expired, and no worker may have it

        Assert.True(await lease.AbandonAsync(first, new AbandonOptions { Delay = Clock.Units(1000) }));
        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();
        await Clock.AdvanceAsync(2);

        Assert.Equal("next", Text(Assert.Single(await Wait.For(receiving, "the next one"))));
        await Wait.Until(() => expired.Value >= 1, "the first one is counted");
    }

    // By a real clock, a loaded machine may be too late for it: then another one is stored.
    private async Task<ReceivedMessage> TakeBeforeItExpiresAsync(IWorkReceiver lease)
    {
        while (true)
        {
            await EnqueueAsync(Of("first", "k") with { ExpiresAt = Clock.Now + Clock.Units(1) }, Of("next", "k"));
            var taken = await TakeOneAsync(lease);
            if (Text(taken) == "first")
                return taken;
            Assert.True(await lease.CompleteAsync(taken));
        }
    }

    private async Task EnqueueManyAsync(string text, DateTimeOffset expiry, string? key = null, int capacity = 100_000)
    {
        foreach (var batch in Enumerable.Range(0, Many).Chunk(500))
            await Queue.EnqueueAsync(Channel, [.. batch.Select(_ => Of(text, key) with { ExpiresAt = expiry })], CapacityOf(capacity));
    }
}
