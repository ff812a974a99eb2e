using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What an operator reads in the log when the broker closes something, or has something that is not as it would be made now.</summary>
public sealed class RabbitMQLogTests(SharedRabbitServer server) : RabbitMQQueueTests(server, shards: 2)
{
    private const int PublishingClosed = 4206, QueueDiffers = 4220, LeaseLost = 4224, TooLargeToBeLeft = 4228;
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly RecordedLog _log = new();

    [Fact]
    public async Task A_worker_that_has_lost_its_lease_is_named_once_with_the_reason()
    {
        await using var queue = new RabbitMQWorkQueue(Place.Open(log: _log));
        await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        var waiting = worker.ReceiveAsync(Channel, 1).AsTask();
        await Wait.Until(async () => (await Place.Host.QueuesAsync()).Any(queue => queue.Name == $"runnel.q:{Channel}" && queue.Consumers == 1), "it waits");

        await Place.Host.CloseConnectionsAsync("maintenance");
        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(waiting, "it to learn that"));

        var told = Assert.Single(_log.Of(LeaseLost)).Text;
        Assert.Contains(worker.WorkerId, told, StringComparison.Ordinal);
        Assert.Contains("maintenance", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_queue_that_was_made_with_another_option_is_used_as_it_is_and_named_once()
    {
        await Queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await using (var worker = await Queue.OpenReceiverAsync(new ReceiverOptions()))
            Assert.True(await worker.DeadLetterAsync(await TakeOneAsync(worker), DeadLetterReason.Rejected, "no"));
        await using var other = new RabbitMQWorkQueue(Place.Open(options => options.DeadLetterRetention = TimeSpan.FromDays(1), _log));

        // For a moment after somebody has looked at dead letters, others see none.
        for (var look = 0; look < 2; look++)
        {
            await Wait.Until(async () => (await other.ListChannelsAsync()).SingleOrDefault()?.Dead == 1, "the dead letter is counted");
            await Wait.Until(async () => (await other.ListDeadLettersAsync(Channel, DeadLetterFilter.All, limit: 10)).Count == 1, "the dead letter is listed");
        }

        Assert.Contains($"'runnel.dead:{Channel}'", Assert.Single(_log.Of(QueueDiffers)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_channel_that_the_broker_closed_is_told_and_what_is_published_later_goes_out_on_another_one()
    {
        await using var node = await Place.OpenBackplaneAsync(log: _log);
        await node.PublishAsync(Articles, "1"u8.ToArray(), retention: null);
        await using var channel = await (await Place.Open().GetConnectionAsync()).CreateChannelAsync();
        await channel.ExchangeDeleteAsync("runnel.groups");

        var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(node.PublishAsync(Articles, "2"u8.ToArray(), retention: null).AsTask(), "the failure"));
        await channel.ExchangeDeclareAsync("runnel.groups", ExchangeType.Direct, durable: false, autoDelete: false);
        await Wait.For(node.PublishAsync(Articles, "3"u8.ToArray(), retention: null).AsTask(), "the next one to go out");

        Assert.Contains("misses what was there", failure.Message, StringComparison.Ordinal);
        Assert.Contains("misses what was there", Assert.Single(_log.Of(PublishingClosed)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_too_large_to_be_left_is_told_and_the_next_worker_gets_the_one_that_was_sent_at_once()
    {
        await using var queue = new RabbitMQWorkQueue(Place.Open(options => (options.KeyShards, options.MaxMessageBytes) = (2, 2_000), _log));
        var sent = Of("sent", KeyOn(0));
        await queue.EnqueueAsync(Channel, [sent], EnqueueOptions.Default);
        await using (var leaves = await queue.OpenReceiverAsync(new ReceiverOptions()))
            Assert.True(await leaves.AbandonAsync(await TakeOneAsync(leaves), new AbandonOptions { Body = new byte[1_800], Delay = TimeSpan.FromMinutes(10) }));

        await using var next = await queue.OpenReceiverAsync(new ReceiverOptions());

        Assert.Equal("sent", Text(await TakeOneAsync(next)));
        Assert.Contains($"{sent.Id}", Assert.Single(_log.Of(TooLargeToBeLeft)).Text, StringComparison.Ordinal);
    }
}
