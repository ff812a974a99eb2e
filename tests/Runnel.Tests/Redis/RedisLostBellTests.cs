using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A worker that hears no bell finds its messages all the same, when its heart beats.</summary>
public sealed class RedisLostBellTests(RedisServer server) : RedisQueueTests(server)
{
    [Fact]
    public async Task A_message_that_is_ready()
    {
        await using var worker = await OpenDeafWorkerAsync();
        var waiting = worker.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Exists(Key("workers")), "it has looked");

        await Queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);

        Assert.Single(await Wait.For(waiting, "the message"));
    }

    [Fact]
    public async Task A_message_that_will_be_due()
    {
        await using var worker = await OpenDeafWorkerAsync();
        var waiting = worker.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Exists(Key("workers")), "it has looked");

        await Queue.EnqueueAsync("work", [NewMessage() with { NotBefore = Time.GetUtcNow() + TimeSpan.FromSeconds(10) }], EnqueueOptions.Default);
        Time.Advance(TimeSpan.FromSeconds(11));

        Assert.Single(await Wait.For(waiting, "the message"));
    }

    [Fact]
    public async Task A_message_that_a_worker_gave_back()
    {
        await using var worker = await OpenDeafWorkerAsync();
        await using var elsewhere = new RedisWorkQueue(Place.Open());
        await using var other = await elsewhere.OpenReceiverAsync(new ReceiverOptions());
        await Queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(other.ReceiveAsync("work", 1).AsTask(), "the message"));
        var waiting = worker.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Number("ZCARD", Key("workers")) == 2, "it has looked");

        Assert.True(await other.AbandonAsync(message, AbandonOptions.Untouched));

        Assert.Single(await Wait.For(waiting, "the message"));
    }

    private async Task<RedisWorkReceiver> OpenDeafWorkerAsync()
    {
        var bells = new RedisBells(Place.Open(), static _ => { });
        await bells.DisposeAsync();
        return new RedisWorkReceiver(Place.Open(), Queue.Channels, Queue.Heart, bells, new LeaseTerm("deaf.1/65535", TimeSpan.FromMilliseconds(400)));
    }
}
