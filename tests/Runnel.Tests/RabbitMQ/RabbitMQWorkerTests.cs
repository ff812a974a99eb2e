using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What only this layer does: how processes share a channel's messages and its keys, and what a sender is told.</summary>
public sealed class RabbitMQWorkerTests(SharedRabbitServer server) : RabbitMQQueueTests(server, Shards)
{
    private const int Shards = 4;

    [Fact]
    public async Task A_worker_that_comes_later_gets_its_share_of_the_keys_and_their_order_holds()
    {
        string[] keys = [.. Enumerable.Range(0, Shards).Select(KeyOn)];
        var handled = keys.ToDictionary(key => key, _ => new List<(string Worker, int Number)>());
        using var stop = new CancellationTokenSource();
        const int Ahead = 10;
        async Task WorkAsync(string name)
        {
            await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());
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
                await Queue.EnqueueAsync(Channel, [.. keys.Select(key => Of($"{number}", key))], EnqueueOptions.Default);
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
    public async Task Messages_that_one_process_sends_at_once_one_by_one_do_not_exceed_the_capacity()
    {
        const int Capacity = 10;
        var limits = new EnqueueOptions { Capacity = Capacity };
        await Queue.EnqueueAsync(Channel, [Of("0")], limits);

        var sent = await Wait.For(Task.WhenAll(Enumerable.Range(1, 40).Select(async number =>
        {
            try
            {
                return await Queue.EnqueueAsync(Channel, [Of($"{number}")], limits);
            }
            catch (ChannelFullException)
            {
                return 0;
            }
        })), "the answers");

        Assert.Equal(Capacity - 1, sent.Sum());
    }

    [Fact]
    public async Task A_sender_whose_time_is_over_while_the_broker_is_asked_gets_the_room_that_there_is()
    {
        var limits = new EnqueueOptions { Capacity = 1, WaitForRoom = TimeSpan.FromMilliseconds(1) }; // less than a trip to the broker

        for (var number = 0; number < 20; number++)
            Assert.Equal(1, await Queue.EnqueueAsync($"{Channel}-{number}", [Of("stored")], limits));
    }

    [Fact]
    public async Task A_queue_that_an_operator_has_deleted_is_made_anew_by_whoever_sends()
    {
        await Queue.EnqueueAsync(Channel, [Of("deleted")], EnqueueOptions.Default);
        await Place.Host.DeleteQueueAsync($"runnel.q:{Channel}");

        await Queue.EnqueueAsync(Channel, [Of("stored")], EnqueueOptions.Default);

        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Equal("stored", Text(await TakeOneAsync(lease)));
    }

    [Fact]
    public async Task What_nobody_asks_a_worker_for_goes_to_another_one()
    {
        await using var greedy = await Queue.OpenReceiverAsync(new ReceiverOptions());
        await Queue.EnqueueAsync(Channel, [Of("0")], EnqueueOptions.Default);
        await TakeOneAsync(greedy, max: 10); // and has room for nine more, which it does not ask for
        await Queue.EnqueueAsync(Channel, [.. Enumerable.Range(1, 5).Select(number => Of($"{number}"))], EnqueueOptions.Default);

        await using var other = await Queue.OpenReceiverAsync(new ReceiverOptions());
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
        await Queue.EnqueueAsync(Channel, [.. Enumerable.Range(0, 3).Select(_ => Of("expired") with { ExpiresAt = expiry })], EnqueueOptions.Default);
        await Wait.Until(() => TimeProvider.System.GetUtcNow() > expiry, "they have expired");
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());

        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(async () => await ConsumedAsync() is { Messages: 0, Consumers: > 0 }, "the worker has taken and dropped them");

        Assert.Equal(1, (await ConsumedAsync()).Consumers);
        await Queue.EnqueueAsync(Channel, [Of("stays")], EnqueueOptions.Default);
        Assert.Equal("stays", Text(Assert.Single(await Wait.For(waiting, "the message"))));

        async Task<(long Messages, long Consumers)> ConsumedAsync() =>
            (await Place.Host.QueuesAsync()).Where(queue => queue.Name.EndsWith($".q:{Channel}", StringComparison.Ordinal)).Select(queue => ((long)queue.Messages, (long)queue.Consumers)).SingleOrDefault();
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

        var refusal = Assert.Throws<InvalidOperationException>(() => (use with { KeyedDelay = TimeSpan.FromMinutes(16) }).Check(null, Queue, null));

        Assert.StartsWith("Channel 'payments' is declared Ordered, but a retry may rest for 00:16:00, and the layer for work lets a message with a Key rest for 00:15:00 at most", refusal.Message, StringComparison.Ordinal);
        (use with { KeyedDelay = TimeSpan.FromMinutes(15) }).Check(null, Queue, null);
    }

    [Fact]
    public async Task All_processes_split_a_channels_keys_as_the_first_one_did()
    {
        var other = Open(options => options.KeyShards = 7);
        await Task.WhenAll(
            Queue.EnqueueAsync(Channel, [Of("1", "k")], EnqueueOptions.Default).AsTask(),
            other.EnqueueAsync(Channel, [Of("1", "k")], EnqueueOptions.Default).AsTask());

        var shards = (await Place.Host.QueuesAsync()).Where(queue => queue.Name.StartsWith("runnel.key", StringComparison.Ordinal)).ToList();

        Assert.True(shards.Count is Shards or 7, $"There are {shards.Count} shards.");
        await using var lease = await other.OpenReceiverAsync(new ReceiverOptions());
        Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease)));
        Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease)));
    }

    [Fact]
    public async Task A_worker_that_has_left_takes_no_memory()
    {
        var left = await LeaveAsync();

        await Wait.UntilForgotten(left);
        GC.KeepAlive(Queue);
    }

    private async Task<WeakReference> LeaveAsync()
    {
        var worker = await Queue.OpenReceiverAsync(new ReceiverOptions());
        await worker.DisposeAsync();
        return new WeakReference(worker);
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
}
