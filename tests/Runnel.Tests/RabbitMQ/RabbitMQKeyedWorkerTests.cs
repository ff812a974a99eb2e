using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Messages with a key, which stay in their queue while a worker has them: what is noted of them, and how workers share their shards.</summary>
public sealed class RabbitMQKeyedWorkerTests(SharedRabbitServer server) : RabbitMQQueueTests(server, Shards)
{
    private const int Shards = 2;
    private static readonly TimeSpan Rounds = TimeSpan.FromSeconds(2.5); // in which workers share their shards twice at least

    // Of a process that has no worker.
    private RabbitMQBroker Broker => field ??= Place.Open();

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task What_a_worker_died_with_and_another_one_gave_back_untouched_counts_the_next_death_if_a_worker_had_it_again(bool isTakenAgain, int crashes)
    {
        await Queue.EnqueueAsync(Channel, [Of("1", KeyOn(0))], EnqueueOptions.Default);
        await using (var first = await OpenAsync())
        {
            await TakeOneAsync(first);
            await first.AbortAsync();
        }
        await using (var second = await OpenAsync())
        {
            var suspect = await TakeOneAsync(second);
            Assert.Equal(1, suspect.Envelope.Crashes);
            Assert.True(await second.AbandonAsync(suspect, AbandonOptions.Untouched with { Delay = isTakenAgain ? TimeSpan.Zero : TimeSpan.FromMinutes(5) }));
            if (isTakenAgain)
                await TakeOneAsync(second);
            await second.AbortAsync();
        }

        await using var third = await OpenAsync();
        var taken = await TakeOneAsync(third);

        Assert.Equal((0, crashes), (taken.Envelope.Attempt, taken.Envelope.Crashes));
    }

    [Fact]
    public async Task A_worker_that_waits_gets_the_first_message_with_a_key_that_its_channel_has_ever_had()
    {
        await MakeShardsAsync();
        await using var lease = await OpenAsync();
        var waiting = TakeOneAsync(lease);
        await Wait.Until(async () => (await Place.Host.QueuesAsync()).Any(queue => queue.Name == $"runnel.q:{Channel}" && queue.Consumers == 1), "it waits for messages without one");

        await Open().EnqueueAsync(Channel, [Of("1", KeyOn(0))], EnqueueOptions.Default);

        Assert.Equal("1", Text(await waiting));
    }

    [Fact]
    public async Task A_worker_that_nobody_asks_for_messages_is_not_one_of_those_that_share_the_keys()
    {
        await Queue.EnqueueAsync(Channel, [Of("1", KeyOn(0))], EnqueueOptions.Default);
        await using var lease = await OpenAsync();
        var message = await TakeOneAsync(lease);
        Assert.Equal(1u, await CountWorkersAsync());

        Assert.True(await lease.CompleteAsync(message));

        await Wait.Until(async () => await CountWorkersAsync() == 0, "it is not counted any more");
    }

    [Fact]
    public async Task What_comes_while_a_worker_gives_up_its_shards_since_nobody_asks_it_is_handed_out_later_and_nobody_has_died_of_it()
    {
        await using var wire = TcpWire.To((await Server).Port);
        var sender = Open(static options => options.KeyShards = 1);
        await sender.EnqueueAsync(Channel, [Of("before", "key")], EnqueueOptions.Default);
        var queue = Open(options => (options.Host, options.KeyShards, options.Heartbeat) = (Place.Host.AddressAt(wire.Port), 1, TimeSpan.FromMinutes(10))); // a heartbeat would be a piece, too
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        var before = await TakeOneAsync(lease);
        using var stopping = new CancellationTokenSource();
        var asking = lease.ReceiveAsync(Channel, 1, stopping.Token).AsTask();
        Assert.True(await lease.CompleteAsync(before));

        wire.Silence(toServer: false);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await Wait.Until(() => wire.HeldFromServer == 1, "what has no key is not to come any more");
        wire.PassFromServer(1);
        await Wait.Until(() => wire.HeldFromServer == 2, "its consumer is cancelled");
        wire.PassFromServer(1);
        await Wait.Until(() => wire.HeldFromServer == 3, "the worker has begun to give up the shard");
        await sender.EnqueueAsync(Channel, [Of("meanwhile", "key")], EnqueueOptions.Default);
        await Wait.Until(async () => await Place.Host.CountHeldAsync($"runnel.key0:{Channel}") == 1, "the broker has handed it out"); // its sender may know first that it is stored
        asking = lease.ReceiveAsync(Channel, 1).AsTask();
        wire.PassFromServer(2);
        await Wait.Until(() => wire.HeldFromServer == 4, "the shard is given up");

        Assert.False(asking.IsCompleted);
        wire.Heal();
        var meanwhile = Assert.Single(await Wait.For(asking, "the message"));
        Assert.Equal(("meanwhile", 0), (Text(meanwhile), meanwhile.Envelope.Crashes));
        Assert.True(await lease.CompleteAsync(meanwhile));
    }

    [Fact]
    public async Task No_shard_stands_still_that_a_worker_should_leave_and_cannot_while_its_handlers_take_long()
    {
        await using var busy = await OpenAsync();
        await using var idle = await OpenAsync();
        await Queue.EnqueueAsync(Channel, [Of("long", KeyOn(0)), Of("long", KeyOn(1))], EnqueueOptions.Default);
        List<ReceivedMessage> held = [await TakeOneAsync(busy), await TakeOneAsync(busy)];
        var wanting = busy.ReceiveAsync(Channel, 1).AsTask();
        var waiting = idle.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(async () => await CountWorkersAsync() == 2, "there are two workers, and each should have one of the shards");

        for (var from = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(from) < Rounds;)
        {
            await Queue.EnqueueAsync(Channel, [Of("short", KeysOn(0).ElementAt(1)), Of("short", KeysOn(1).ElementAt(1))], EnqueueOptions.Default);
            for (var handled = 0; handled < 2; handled++)
            {
                var message = Assert.Single(await Wait.For(wanting, "a message of each shard"));
                wanting = busy.ReceiveAsync(Channel, 1).AsTask();
                Assert.True(await busy.CompleteAsync(message));
            }
        }

        Assert.False(waiting.IsCompleted);
        foreach (var message in held)
            Assert.True(await busy.CompleteAsync(message));
    }

    [Fact]
    public async Task What_a_worker_left_of_a_message_is_forgotten_when_that_becomes_a_dead_letter()
    {
        await Queue.EnqueueAsync(Channel, [Of("sent", KeyOn(0))], EnqueueOptions.Default);
        await using (var leaves = await OpenAsync())
            Assert.True(await leaves.AbandonAsync(await TakeOneAsync(leaves), WithBody("left")));
        await using (var buries = await OpenAsync())
        {
            Assert.True(await buries.AbandonAsync(await TakeOneAsync(buries), WithBody("buried")));
            Assert.True(await buries.DeadLetterAsync(await TakeOneAsync(buries), DeadLetterReason.Rejected, "It never works."));
        }
        Assert.Equal(1, await Queue.ReplayAsync(Channel, DeadLetterFilter.All));
        await using (var dies = await OpenAsync())
        {
            await TakeOneAsync(dies);
            await dies.AbortAsync();
        }

        await using var lease = await OpenAsync();

        Assert.Equal("buried", Text(await TakeOneAsync(lease)));
    }

    private static AbandonOptions WithBody(string text) => new() { Body = Encoding.UTF8.GetBytes(text) };

    private async Task<RabbitWorkReceiver> OpenAsync() => (RabbitWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions());

    // A queue that a worker consumes in the moment in which another process makes it may cost the worker its lease: sender and worker find these made.
    private async Task MakeShardsAsync()
    {
        var plan = new QueuePlan(new RabbitMQOptions());
        await using var channel = await (await Broker.GetConnectionAsync()).CreateChannelAsync();
        for (var shard = 0; shard < Shards; shard++)
        {
            var queue = plan.ShardOf(Channel, shard);
            await channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, queue.Arguments);
        }
    }

    // What the broker lists is some seconds old.
    private async Task<uint> CountWorkersAsync()
    {
        await using var channel = await (await Broker.GetConnectionAsync()).CreateChannelAsync();
        return await channel.ConsumerCountAsync($"runnel.workers:{Channel}");
    }
}
