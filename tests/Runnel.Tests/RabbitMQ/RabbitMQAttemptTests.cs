using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What counts as an attempt and what as a crash, of messages that come back: the broker counts too generously.</summary>
public sealed class RabbitMQAttemptTests(SharedRabbitServer server) : RabbitMQQueueTests(server, shards: 4)
{
    [Fact]
    public async Task A_message_whose_neighbours_kill_workers_is_not_taken_for_one_that_does()
    {
        var (poison, innocent) = (KeyOn(0), KeyOn(1));
        await Queue.EnqueueAsync(Channel, [Of("poison", poison), Of("next", poison), Of("innocent", innocent), Of("later", innocent)], EnqueueOptions.Default);
        for (var crashes = 0; crashes < 4; crashes++)
        {
            await using var dies = (RabbitWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions());
            var taken = new List<ReceivedMessage>();
            while (taken.All(message => Text(message) != "poison"))
                taken.AddRange(await Wait.For(dies.ReceiveAsync(Channel, 4).AsTask(), "the poison"));
            Assert.Equal(crashes, taken.Single(message => Text(message) == "poison").Envelope.Crashes);
            // Whoever sees that somebody has died with a message lets nothing run beside it.
            foreach (var other in taken.Where(message => Text(message) != "poison"))
                await dies.AbandonAsync(other, AbandonOptions.Untouched);
            await dies.AbortAsync();
        }

        await using var lives = await Queue.OpenReceiverAsync(new ReceiverOptions());
        var counts = new Dictionary<string, int>();
        while (counts.Count < 4)
        {
            foreach (var message in await Wait.For(lives.ReceiveAsync(Channel, 4).AsTask(), "all messages"))
            {
                counts[Text(message)] = message.Envelope.Crashes;
                Assert.True(await lives.CompleteAsync(message));
            }
        }

        Assert.Equal(4, counts["poison"]);
        Assert.All(counts.Where(each => each.Key != "poison"), each => Assert.InRange(each.Value, 0, 1));
    }

    [Fact]
    public async Task A_message_with_a_key_that_has_failed_keeps_its_attempts_when_its_worker_leaves_or_dies()
    {
        var key = KeyOn(0);
        await Queue.EnqueueAsync(Channel, [Of("1", key), Of("2", key)], EnqueueOptions.Default);
        await using (var leaves = await Queue.OpenReceiverAsync(new ReceiverOptions()))
            Assert.True(await leaves.AbandonAsync(await TakeOneAsync(leaves), new AbandonOptions { Delay = TimeSpan.FromMilliseconds(200) }));

        await using var dies = (RabbitWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions());
        var afterLeaving = await TakeOneAsync(dies);
        Assert.True(await dies.AbandonAsync(afterLeaving, new AbandonOptions { Delay = TimeSpan.FromMinutes(5) }));
        await dies.AbortAsync();
        await using var lives = await Queue.OpenReceiverAsync(new ReceiverOptions());
        var afterDying = await TakeOneAsync(lives);

        Assert.Equal(("1", 1, 0), (Text(afterLeaving), afterLeaving.Envelope.Attempt, afterLeaving.Envelope.Crashes));
        Assert.Equal(("1", 2, 1), (Text(afterDying), afterDying.Envelope.Attempt, afterDying.Envelope.Crashes));
    }

    [Fact]
    public async Task A_body_for_the_next_attempt_dies_with_the_worker_if_the_message_has_a_key_and_outlives_it_otherwise()
    {
        await Queue.EnqueueAsync(Channel, [Of("keyed, step 1", KeyOn(0)), Of("free, step 1")], EnqueueOptions.Default);
        await using var dies = (RabbitWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions());
        var resting = new AbandonOptions { CountsAttempt = false, Delay = TimeSpan.FromMilliseconds(200) };
        // Both, before the first is given back: it might come once more while the worker is about to take from the other's queue.
        ReceivedMessage[] taken = [await TakeOneAsync(dies), await TakeOneAsync(dies)];
        foreach (var message in taken)
        {
            var next = Text(message).Replace("step 1", "step 2", StringComparison.Ordinal);
            Assert.True(await dies.AbandonAsync(message, resting with { Body = Encoding.UTF8.GetBytes(next) }));
        }

        await dies.AbortAsync();
        await using var lives = await Queue.OpenReceiverAsync(new ReceiverOptions());
        ReceivedMessage[] again = [await TakeOneAsync(lives), await TakeOneAsync(lives)];

        Assert.Equal(
            [("free, step 2", 0, 0), ("keyed, step 1", 0, 1)],
            again.Select(message => (Text(message), message.Envelope.Attempt, message.Envelope.Crashes)).Order());
    }

    [Fact]
    public async Task What_a_worker_that_leaves_has_not_settled_counts_no_crash_however_often()
    {
        await Queue.EnqueueAsync(Channel, [Of("free"), Of("keyed", KeyOn(0)), Of("behind", KeyOn(0))], EnqueueOptions.Default);
        for (var leaves = 0; leaves < 4; leaves++)
        {
            await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());
            var taken = new List<ReceivedMessage>();
            while (taken.Count < 2)
                taken.AddRange(await Wait.For(lease.ReceiveAsync(Channel, 4).AsTask(), "both"));

            Assert.Equal(["free", "keyed"], taken.Select(Text).Order());
            Assert.All(taken, message => Assert.Equal((0, 0), (message.Envelope.Attempt, message.Envelope.Crashes)));
        }
    }

    [Fact]
    public async Task What_came_and_was_not_asked_for_counts_no_crash_when_its_worker_leaves_at_once()
    {
        var leaves = await Queue.OpenReceiverAsync(new ReceiverOptions());
        await Queue.EnqueueAsync(Channel, [Of("0")], EnqueueOptions.Default);
        await TakeOneAsync(leaves, max: 10); // and has room for nine more, which it does not ask for
        await Queue.EnqueueAsync(Channel, [.. Enumerable.Range(1, 5).Select(number => Of($"{number}"))], EnqueueOptions.Default);

        await leaves.DisposeAsync();

        await using var other = await Queue.OpenReceiverAsync(new ReceiverOptions());
        List<ReceivedMessage> taken = [];
        while (taken.Count < 6)
            taken.AddRange(await Wait.For(other.ReceiveAsync(Channel, 10).AsTask(), "the messages"));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], taken.Select(Text).Order());
        Assert.All(taken, message => Assert.Equal((0, 0), (message.Envelope.Attempt, message.Envelope.Crashes)));
    }
}
