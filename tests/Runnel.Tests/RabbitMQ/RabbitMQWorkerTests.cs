using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What only this layer does: shards of keys that go from worker to worker, what is given back by being stored anew, and deaths that the broker counts too generously.</summary>
public sealed class RabbitMQWorkerTests(SharedRabbitServer server) : IAsyncLifetime
{
    private const int Shards = 4;
    private static readonly ChannelName Channel = "payments";

    private readonly List<RabbitMQWorkQueue> _opened = [];
    private RabbitPlace _place = null!;
    private RabbitMQWorkQueue _queue = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _queue = Open();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _opened)
            await queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_worker_that_comes_later_gets_its_share_of_the_keys_and_their_order_holds()
    {
        string[] keys = [.. Enumerable.Range(0, Shards).Select(KeyOn)];
        var handled = keys.ToDictionary(key => key, _ => new List<(string Worker, int Number)>());
        using var stop = new CancellationTokenSource();
        const int Ahead = 10;
        async Task WorkAsync(string name)
        {
            await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
            try
            {
                while (true)
                {
                    foreach (var message in await lease.ReceiveAsync(Channel, 4, stop.Token))
                    {
                        lock (handled)
                            handled[message.Envelope.Key!].Add((name, int.Parse(Text(message), System.Globalization.CultureInfo.InvariantCulture)));
                        Assert.True(await lease.CompleteAsync(message));
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The test has seen enough.
            }
        }
        var sending = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                await _queue.EnqueueAsync(Channel, [.. keys.Select(key => Of($"{number}", key))], EnqueueOptions.Default);
                await Wait.Until(() => stop.IsCancellationRequested || Locked(() => handled.Values.All(each => each.Count > number - Ahead)), "the workers keep up");
            }
        });

        var first = WorkAsync("first");
        await Wait.Until(() => Locked(() => handled.Values.All(each => each.Count > 0)), "the first worker has all keys");
        var second = WorkAsync("second");
        await Wait.Until(() => Locked(() => handled.Values.Count(each => each[^1].Worker == "second") == Shards / 2), "the second worker has its share");
        await stop.CancelAsync();
        await Wait.For(Task.WhenAll(first, second, sending), "the end");

        Assert.All(handled.Values, each => Assert.Equal(Enumerable.Range(0, each.Count), each.Select(one => one.Number)));

        T Locked<T>(Func<T> look)
        {
            lock (handled)
                return look();
        }
    }

    [Fact]
    public async Task A_message_whose_neighbours_kill_workers_is_not_taken_for_one_that_does()
    {
        var (poison, innocent) = (KeyOn(0), KeyOn(1));
        await _queue.EnqueueAsync(Channel, [Of("poison", poison), Of("next", poison), Of("innocent", innocent), Of("later", innocent)], EnqueueOptions.Default);
        for (var crashes = 0; crashes < 4; crashes++)
        {
            await using var dies = (RabbitWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions());
            var taken = new List<ReceivedMessage>();
            while (taken.All(message => Text(message) != "poison"))
                taken.AddRange(await Wait.For(dies.ReceiveAsync(Channel, 4).AsTask(), "the poison"));
            Assert.Equal(crashes, taken.Single(message => Text(message) == "poison").Envelope.Crashes);
            // Whoever sees that somebody has died with a message lets nothing run beside it.
            foreach (var other in taken.Where(message => Text(message) != "poison"))
                await dies.AbandonAsync(other, AbandonOptions.Untouched);
            await dies.AbortAsync();
        }

        await using var lives = await _queue.OpenReceiverAsync(new ReceiverOptions());
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
        await _queue.EnqueueAsync(Channel, [Of("1", key), Of("2", key)], EnqueueOptions.Default);
        await using (var leaves = await _queue.OpenReceiverAsync(new ReceiverOptions()))
            Assert.True(await leaves.AbandonAsync(await TakeOneAsync(leaves), new AbandonOptions { Delay = TimeSpan.FromMilliseconds(200) }));

        await using var dies = (RabbitWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions());
        var afterLeaving = await TakeOneAsync(dies);
        Assert.True(await dies.AbandonAsync(afterLeaving, new AbandonOptions { Delay = TimeSpan.FromMinutes(5) }));
        await dies.AbortAsync();
        await using var lives = await _queue.OpenReceiverAsync(new ReceiverOptions());
        var afterDying = await TakeOneAsync(lives);

        Assert.Equal(("1", 1, 0), (Text(afterLeaving), afterLeaving.Envelope.Attempt, afterLeaving.Envelope.Crashes));
        Assert.Equal(("1", 2, 1), (Text(afterDying), afterDying.Envelope.Attempt, afterDying.Envelope.Crashes));
    }

    [Fact]
    public async Task A_body_for_the_next_attempt_dies_with_the_worker_if_the_message_has_a_key_and_outlives_it_otherwise()
    {
        await _queue.EnqueueAsync(Channel, [Of("keyed, step 1", KeyOn(0)), Of("free, step 1")], EnqueueOptions.Default);
        await using var dies = (RabbitWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions());
        var resting = new AbandonOptions { CountsAttempt = false, Delay = TimeSpan.FromMilliseconds(200) };
        for (var taken = 0; taken < 2; taken++)
        {
            var message = await TakeOneAsync(dies);
            var next = Text(message).Replace("step 1", "step 2", StringComparison.Ordinal);
            Assert.True(await dies.AbandonAsync(message, resting with { Body = Encoding.UTF8.GetBytes(next) }));
        }

        await dies.AbortAsync();
        await using var lives = await _queue.OpenReceiverAsync(new ReceiverOptions());
        ReceivedMessage[] again = [await TakeOneAsync(lives), await TakeOneAsync(lives)];

        Assert.Equal(
            [("free, step 2", 0, 0), ("keyed, step 1", 0, 1)],
            again.Select(message => (Text(message), message.Envelope.Attempt, message.Envelope.Crashes)).Order());
    }

    [Fact]
    public async Task What_a_worker_that_leaves_has_not_settled_counts_no_crash_however_often()
    {
        await _queue.EnqueueAsync(Channel, [Of("free"), Of("keyed", KeyOn(0)), Of("behind", KeyOn(0))], EnqueueOptions.Default);
        for (var leaves = 0; leaves < 4; leaves++)
        {
            await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
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
        var leaves = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync(Channel, [Of("0")], EnqueueOptions.Default);
        await TakeOneAsync(leaves, max: 10); // and has room for nine more, which it does not ask for
        await _queue.EnqueueAsync(Channel, [.. Enumerable.Range(1, 5).Select(number => Of($"{number}"))], EnqueueOptions.Default);

        await leaves.DisposeAsync();

        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions());
        List<ReceivedMessage> taken = [];
        while (taken.Count < 6)
            taken.AddRange(await Wait.For(other.ReceiveAsync(Channel, 10).AsTask(), "the messages"));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], taken.Select(Text).Order());
        Assert.All(taken, message => Assert.Equal((0, 0), (message.Envelope.Attempt, message.Envelope.Crashes)));
    }

    [Fact]
    public async Task Messages_that_one_process_sends_at_once_one_by_one_do_not_exceed_the_capacity()
    {
        const int Capacity = 10;
        var limits = new EnqueueOptions { Capacity = Capacity };
        await _queue.EnqueueAsync(Channel, [Of("0")], limits);

        var sent = await Wait.For(Task.WhenAll(Enumerable.Range(1, 40).Select(async number =>
        {
            try
            {
                return await _queue.EnqueueAsync(Channel, [Of($"{number}")], limits);
            }
            catch (ChannelFullException)
            {
                return 0;
            }
        })), "the answers");

        Assert.Equal(Capacity - 1, sent.Sum());
    }

    [Fact]
    public async Task A_queue_that_an_operator_has_deleted_is_made_anew_by_whoever_sends()
    {
        await _queue.EnqueueAsync(Channel, [Of("deleted")], EnqueueOptions.Default);
        await _place.Host.DeleteQueueAsync($"runnel.q:{Channel}");

        await _queue.EnqueueAsync(Channel, [Of("stored")], EnqueueOptions.Default);

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Equal("stored", Text(await TakeOneAsync(lease)));
    }

    [Fact]
    public async Task What_nobody_asks_a_worker_for_goes_to_another_one()
    {
        await using var greedy = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync(Channel, [Of("0")], EnqueueOptions.Default);
        await TakeOneAsync(greedy, max: 10); // and has room for nine more, which it does not ask for
        await _queue.EnqueueAsync(Channel, [.. Enumerable.Range(1, 5).Select(number => Of($"{number}"))], EnqueueOptions.Default);

        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions());
        List<string> received = [];
        while (received.Count < 5)
            received.AddRange((await Wait.For(other.ReceiveAsync(Channel, 10).AsTask(), "the messages")).Select(Text));

        Assert.Equal(["1", "2", "3", "4", "5"], received.Order());
    }

    [Fact]
    public async Task Processes_that_begin_in_the_same_moment_on_a_broker_that_nobody_has_used_do_not_disturb_each_other()
    {
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async number =>
        {
            var (one, other) = (Open(options => options.Prefix = $"new-{number}"), Open(options => options.Prefix = $"new-{number}"));
            var receiving = ReceiveAsync(one, 4);
            var sending = other.EnqueueAsync(Channel, [Of("1", "k"), Of("2", "k"), Of("3", "k"), Of("free")], EnqueueOptions.Default).AsTask();

            Assert.Equal(4, await Wait.For(sending, "the messages to be stored"));
            Assert.Equal(["1", "2", "3"], (await receiving).Where(text => text != "free"));
        }));
    }

    [Fact]
    public async Task What_has_expired_takes_no_place_of_what_a_worker_asks_for()
    {
        var expiry = TimeProvider.System.GetUtcNow().AddMilliseconds(200);
        // Four that come quickly would be a reason to ask for more at a time.
        await _queue.EnqueueAsync(Channel, [.. Enumerable.Range(0, 3).Select(_ => Of("expired") with { ExpiresAt = expiry })], EnqueueOptions.Default);
        await Wait.Until(() => TimeProvider.System.GetUtcNow() > expiry, "they have expired");
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());

        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(async () => await ConsumedAsync() is { Messages: 0, Consumers: > 0 }, "the worker has taken and dropped them");

        Assert.Equal(1, (await ConsumedAsync()).Consumers);
        await _queue.EnqueueAsync(Channel, [Of("stays")], EnqueueOptions.Default);
        Assert.Equal("stays", Text(Assert.Single(await Wait.For(waiting, "the message"))));

        async Task<(long Messages, long Consumers)> ConsumedAsync() =>
            (await _place.Host.QueuesAsync()).Where(queue => queue.Name.EndsWith($".q:{Channel}", StringComparison.Ordinal)).Select(queue => ((long)queue.Messages, (long)queue.Consumers)).SingleOrDefault();
    }

    [Fact]
    public async Task A_message_that_is_larger_than_the_broker_takes_is_refused_before_it_is_sent()
    {
        var queue = Open(options => options.MaxMessageBytes = 2_000);

        var refusal = await Assert.ThrowsAsync<MessageTooLargeException>(async () => await queue.EnqueueAsync(Channel, [Of("small"), Of(new string('x', 2_000))], EnqueueOptions.Default));

        Assert.Contains("channel 'payments'", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await queue.ListChannelsAsync());
    }

    [Fact]
    public void An_ordered_channel_whose_retries_rest_for_longer_than_a_worker_may_hold_a_message_is_refused()
    {
        var use = new LayerUse("Channel 'payments' is declared Ordered") { WorkQueue = WorkQueueFeatures.KeyOrder, WayOut = "Lower MaxDelay." };

        var refusal = Assert.Throws<InvalidOperationException>(() => (use with { KeyedDelay = TimeSpan.FromMinutes(16) }).Check(null, _queue, null));

        Assert.StartsWith("Channel 'payments' is declared Ordered, but a retry may rest for 00:16:00, and the layer for work lets a message with a Key rest for 00:15:00 at most", refusal.Message, StringComparison.Ordinal);
        (use with { KeyedDelay = TimeSpan.FromMinutes(15) }).Check(null, _queue, null);
    }

    [Fact]
    public async Task All_processes_split_a_channels_keys_as_the_first_one_did()
    {
        var other = Open(options => options.KeyShards = 7);
        await Task.WhenAll(
            _queue.EnqueueAsync(Channel, [Of("1", "k")], EnqueueOptions.Default).AsTask(),
            other.EnqueueAsync(Channel, [Of("1", "k")], EnqueueOptions.Default).AsTask());

        var shards = (await _place.Host.QueuesAsync()).Where(queue => queue.Name.StartsWith("runnel.key", StringComparison.Ordinal)).ToList();

        Assert.True(shards.Count is Shards or 7, $"There are {shards.Count} shards.");
        await using var lease = await other.OpenReceiverAsync(new ReceiverOptions());
        Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease)));
        Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease)));
    }

    // A worker whose lease is lost opens another one, as WorkerService does.
    private static async Task<List<string>> ReceiveAsync(RabbitMQWorkQueue queue, int count)
    {
        List<string> received = [];
        while (received.Count < count)
        {
            await using var lease = await Wait.For(queue.OpenReceiverAsync(new ReceiverOptions()).AsTask(), "the worker");
            try
            {
                while (received.Count < count)
                {
                    foreach (var message in await Wait.For(lease.ReceiveAsync(Channel, count).AsTask(), "the messages"))
                    {
                        Assert.True(await lease.CompleteAsync(message));
                        received.Add(Text(message));
                    }
                }
            }
            catch (LeaseLostException)
            {
                // The broker stumbled over a queue that the other process was making.
            }
        }
        return received;
    }

    private static string KeyOn(int shard) => Enumerable.Range(0, 1_000).Select(number => $"key-{number}").First(key => KeyShard.Of(key, Shards) == shard);

    private static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);

    private static Envelope Of(string text, string? key = null) =>
        new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System), SentAt = TimeProvider.System.GetUtcNow(), Key = key };

    private static async Task<ReceivedMessage> TakeOneAsync(IWorkReceiver lease, int max = 1) =>
        Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, max).AsTask(), "a message"));

    private RabbitMQWorkQueue Open(Action<RabbitMQOptions>? configure = null)
    {
        var queue = new RabbitMQWorkQueue(_place.Open(options =>
        {
            options.KeyShards = Shards;
            configure?.Invoke(options);
        }));
        _opened.Add(queue);
        return queue;
    }
}
