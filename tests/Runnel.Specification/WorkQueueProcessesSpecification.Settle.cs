using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueProcessesSpecification
{
    [Fact]
    public async Task What_a_dead_worker_held_is_handed_out_again_at_its_old_place_with_the_crash_counted()
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes) || !await PromisesAsync(WorkQueueFeatures.KeepPlace))
            return;
        var (dies, lives) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"), Of("2"), Of("3"));
        await TakeAllAsync(dies, 2);

        await CrashAsync(dies);
        var again = await TakeAllAsync(lives, 3);

        Assert.Equal(["1", "2", "3"], again.Select(Text));
        Assert.Equal([1, 1, 0], again.Select(message => message.Envelope.Crashes));
        Assert.All(again, message => Assert.Equal(0, message.Envelope.Attempt));
    }

    [Fact]
    public async Task A_worker_that_waits_gets_what_a_dead_one_held()
    {
        var (dies, lives) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"));
        await TakeOneAsync(dies);
        var waiting = lives.ReceiveAsync(Channel, 1).AsTask();

        await CrashAsync(dies);

        Assert.Equal("1", Text(Assert.Single(await Wait.For(waiting, "the dead worker's message"))));
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_settles_nothing_and_receives_nothing()
    {
        var (lost, other) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"), Of("2"), Of("3"));
        var held = await TakeAllAsync(lost, 3);
        var waiting = lost.ReceiveAsync("elsewhere", 1).AsTask();
        Assert.True(lost.IsHeld);
        Assert.False(lost.Lost.IsCancellationRequested);

        await CrashAsync(lost);
        var now = await TakeAllAsync(other, 3);

        await Wait.Until(() => lost.Lost.IsCancellationRequested, "the worker was told that its lease is lost");
        Assert.False(lost.IsHeld);
        Assert.False(await lost.CompleteAsync(held[0]));
        Assert.False(await lost.AbandonAsync(held[1], new AbandonOptions()));
        Assert.False(await lost.DeadLetterAsync(held[2], DeadLetterReason.Rejected, "too late"));
        Assert.Equal(lost.WorkerId, (await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(waiting, "the wait to end"))).WorkerId);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await lost.ReceiveAsync(Channel, 1));
        foreach (var message in now)
            Assert.True(await other.CompleteAsync(message));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_message_is_settled_once()
    {
        var lease = await WorkerAsync();
        var ways = new Func<ReceivedMessage, ValueTask<bool>>[]
        {
            message => lease.CompleteAsync(message),
            message => lease.AbandonAsync(message, new AbandonOptions { Delay = TimeSpan.FromDays(1) }),
            message => lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null),
        };

        foreach (var first in ways)
        {
            foreach (var second in ways)
            {
                await EnqueueAsync(Of("x"));
                var message = await TakeOneAsync(lease);
                Assert.True(await first(message));
                Assert.False(await second(message));
            }
        }

        await AssertStatusAsync((0, 3, 0, 3), status => (status.Ready, status.Scheduled, status.InFlight, status.Dead));
    }

    [Fact]
    public async Task A_claim_that_is_over_cannot_settle_the_next_claim_of_the_same_worker()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));
        var before = await TakeOneAsync(lease);
        await lease.AbandonAsync(before, AbandonOptions.Untouched);
        var now = await TakeOneAsync(lease);

        Assert.False(await lease.CompleteAsync(before));
        Assert.True(await lease.CompleteAsync(now));
    }

    [Fact]
    public async Task Another_worker_cannot_settle_a_message()
    {
        var (one, two) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"));
        var message = await TakeOneAsync(one);

        Assert.False(await two.CompleteAsync(message));
        Assert.False(await two.AbandonAsync(message, new AbandonOptions()));
        Assert.False(await two.DeadLetterAsync(message, DeadLetterReason.Rejected, null));
        Assert.True(await one.CompleteAsync(message));
    }

    [Fact]
    public async Task Attempts_and_crashes_are_counted_apart()
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes))
            return;
        await EnqueueAsync(Of("1"));
        var expected = new[] { (0, 0), (1, 0), (1, 1), (2, 1), (2, 1), (2, 2) };

        for (var i = 0; i < expected.Length; i++)
        {
            var lease = await WorkerAsync();
            var message = await TakeOneAsync(lease);
            Assert.Equal(expected[i], (message.Envelope.Attempt, message.Envelope.Crashes));
            if (i is 1 or 4)
                await CrashAsync(lease);
            else
                await lease.AbandonAsync(message, i == 3 ? AbandonOptions.Untouched : new AbandonOptions());
        }
    }

    [Theory]
    [InlineData(DeadLetterReason.AttemptsExhausted, 2)]
    [InlineData(DeadLetterReason.Rejected, 2)]
    [InlineData(DeadLetterReason.WorkerDied, 1)]
    public async Task A_dead_letter_counts_the_attempt_that_ended_so(DeadLetterReason reason, int attempts)
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1", key: "k"), Of("2", key: "k"));
        await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions());

        await lease.DeadLetterAsync(await TakeOneAsync(lease), reason, "no");
        var letter = Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        var next = await TakeOneAsync(lease);

        Assert.Equal((reason, attempts, 0), (letter.Reason, letter.Envelope.Attempt, letter.Envelope.Crashes));
        Assert.Equal(("2", 0), (Text(next), next.Envelope.Attempt));
    }

    [Fact]
    public async Task A_message_that_kills_its_workers_is_handed_out_first_each_time_until_a_worker_puts_it_aside()
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes) || !await PromisesAsync(WorkQueueFeatures.KeepPlace) || !await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        await EnqueueAsync(Of("poison", key: "k"), Of("next", key: "k"), Of("healthy"));
        for (var crashes = 0; crashes < 5; crashes++)
        {
            var dies = await WorkerAsync();
            var message = await TakeOneAsync(dies);
            Assert.Equal(("poison", crashes), (Text(message), message.Envelope.Crashes));
            await CrashAsync(dies);
        }

        var decides = await WorkerAsync();
        var poison = await TakeOneAsync(decides);
        await decides.DeadLetterAsync(poison, DeadLetterReason.WorkerDied, "5 workers died");

        var letter = Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        Assert.Equal(("poison", DeadLetterReason.WorkerDied, "5 workers died"), (Text(letter.Envelope), letter.Reason, letter.Error));
        Assert.Equal((5, 0), (letter.Envelope.Crashes, letter.Envelope.Attempt));
        Assert.Equal(["healthy", "next"], await DrainAsync(decides, 2));
    }

    [Fact]
    public async Task A_worker_that_leaves_hands_back_at_once_and_untouched_what_it_has_not_settled()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeepPlace))
            return;
        var (leaves, stays) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"), Of("2"), Of("3"), Of("4"));
        var held = await TakeAllAsync(leaves, 3);
        await leaves.CompleteAsync(held[1]);

        await leaves.DisposeAsync();
        var again = await TakeAllAsync(stays, 3);

        Assert.Equal(["1", "3", "4"], again.Select(Text));
        Assert.All(again, message => Assert.Equal((0, 0), (message.Envelope.Attempt, message.Envelope.Crashes)));
        Assert.False(leaves.Lost.IsCancellationRequested);
        Assert.False(await leaves.CompleteAsync(held[0]));
    }

    [Fact]
    public async Task A_worker_that_leaves_while_it_waits_takes_nothing_along()
    {
        var leaves = await WorkerAsync();
        var waiting = leaves.ReceiveAsync(Channel, 1).AsTask();

        await leaves.DisposeAsync();
        await EnqueueAsync(Of("1"));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(waiting, "the wait to end"));
        Assert.Equal("1", Text(await TakeOneAsync(await WorkerAsync())));
    }

    [Fact]
    public async Task What_is_given_back_untouched_is_first_in_line_again()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeepPlace))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"), Of("2"), Of("3"));
        var (first, second) = (await TakeOneAsync(lease), await TakeOneAsync(lease));

        await lease.AbandonAsync(first, AbandonOptions.Untouched);
        await lease.AbandonAsync(second, AbandonOptions.Untouched);

        Assert.Equal(["1", "2", "3"], await DrainAsync(lease, 3));
    }

    [Fact]
    public async Task A_failed_message_stays_away_for_its_delay_and_not_less()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));
        var message = await TakeOneAsync(lease);
        var due = Clock.Now + Clock.Units(8); // a loaded machine may take a while to tell that it is away
        await lease.AbandonAsync(message, new AbandonOptions { Delay = Clock.Units(8) });

        await AssertStatusAsync((0, 1, 0), status => (status.Ready, status.Scheduled, status.InFlight));
        var again = await TakeNotBeforeAsync(lease, due);

        Assert.Equal((message.Id, 1), (again.Id, again.Envelope.Attempt));
    }

    [Fact]
    public async Task A_job_can_go_on_from_where_it_was_with_a_new_body()
    {
        var lease = await WorkerAsync();
        var sent = new Envelope(new Message("pay", "step 1"u8.ToArray(), new Dictionary<string, string> { ["h"] = "v" })) { Id = Of("").Id, Key = KeyOf("k") };
        await EnqueueAsync(sent);

        await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions { CountsAttempt = false, Body = "step 2, a longer one"u8.ToArray() });
        var again = await TakeOneAsync(lease);
        Assert.Equal("step 2, a longer one", Text(again));
        await lease.AbandonAsync(again, new AbandonOptions { Body = ReadOnlyMemory<byte>.Empty });
        var empty = await TakeOneAsync(lease);

        Assert.Equal("", Text(empty));
        Assert.Equal((sent.Id, "pay", KeyOf("k"), "v", 1),
            (empty.Id, empty.Envelope.Message.Type, empty.Envelope.Key, empty.Envelope.Message.Headers["h"], empty.Envelope.Attempt));
    }

    [Fact]
    public async Task Nothing_is_lost_when_workers_die_all_the_time()
    {
        const int Count = 300;
        await EnqueueAsync([.. Enumerable.Range(0, Count).Select(i => Of($"{i}", key: i % 3 == 0 ? $"k{i % 7}" : null))]);
        HashSet<string> done = [];
        var random = new Random(5);

        while (done.Count < Count)
        {
            var lease = await WorkerAsync();
            var lives = random.Next(1, 20);
            while (lives-- > 0 && done.Count < Count)
            {
                var messages = await TakeAsync(lease, 5);
                // A crash strikes between any two steps: some of the batch are settled, some are not.
                foreach (var message in messages.Take(lives > 0 ? messages.Count : random.Next(messages.Count)))
                {
                    // Where what is given back is stored anew, a death in that moment leaves two.
                    if (await lease.CompleteAsync(message))
                        Assert.True(done.Add(Text(message)) || !Queue.Features.HasFlag(WorkQueueFeatures.KeepPlace));
                }
            }
            await CrashAsync(lease);
        }

        if (Queue.Features.HasFlag(WorkQueueFeatures.KeepPlace))
            await AssertNothingHeldAsync();
    }
}
