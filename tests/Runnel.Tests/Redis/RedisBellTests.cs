using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What has a worker look into its channel: a bell, or the time.</summary>
public sealed class RedisBellTests(RedisServer server) : RedisQueueTests(server)
{
    [Fact]
    public async Task A_later_time_to_look_does_not_take_the_place_of_an_earlier_one()
    {
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [NewMessage() with { NotBefore = Time.GetUtcNow() + TimeSpan.FromSeconds(10) }], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Exists(Key("workers")), "it has looked");
        var channel = Queue.Channels.ChannelOf("work");

        // What the heart was told may be older than what the worker was told, and come later.
        channel.LookIn((long)TimeSpan.FromSeconds(10).TotalMicroseconds, Time.GetTimestamp());
        channel.LookIn((long)TimeSpan.FromHours(1).TotalMicroseconds, Time.GetTimestamp());
        Time.Advance(TimeSpan.FromSeconds(11));

        Assert.Single(await Wait.For(waiting, "the message that is due"));
    }

    [Fact]
    public async Task A_worker_looks_when_what_is_in_the_way_of_others_of_its_key_expires()
    {
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        var now = Time.GetUtcNow();
        await Queue.EnqueueAsync(
            "work", [NewMessage("first", "k") with { NotBefore = now + TimeSpan.FromHours(1), ExpiresAt = now + TimeSpan.FromSeconds(10) }, NewMessage("next", "k")], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Exists(Key("workers")), "it has looked");

        // Its timer is set when the answer is here, which may be after the clock has moved. The first message is due after an hour.
        var seconds = 11;
        Time.Advance(TimeSpan.FromSeconds(seconds));
        await Wait.Until(
            () =>
            {
                if (seconds++ < 600)
                    Time.Advance(TimeSpan.FromSeconds(1));
                return waiting.IsCompleted;
            },
            "the one behind it");

        Assert.Equal("next", Assert.Single(await waiting).Envelope.Message.Type);
    }

    [Fact]
    public async Task A_worker_elsewhere_hears_of_the_message_that_waited_behind_one_that_is_cancelled()
    {
        await using var elsewhere = new RedisWorkQueue(Place.Open());
        await using var lease = await elsewhere.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        var first = NewMessage("first", "k") with { NotBefore = Time.GetUtcNow() + TimeSpan.FromHours(1) };
        await Queue.EnqueueAsync("work", [first, NewMessage("next", "k")], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => Place.Probe.Exists(Key("workers")) && Place.Probe.Info("clients")["blocked_clients"] != "0", "it has looked, and listens");

        Assert.True(await Queue.CancelAsync("work", first.Id));

        Assert.Equal("next", Assert.Single(await Wait.For(waiting, "the next one")).Envelope.Message.Type);
    }

    [Fact]
    public async Task A_bell_that_is_heard_where_nobody_waits_any_more_is_rung_again_for_another_process()
    {
        var store = Place.Open();
        var putBack = new TaskCompletionSource<RedisChannel>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bells = new RedisBells(store, putBack.SetResult, patience: TimeSpan.FromHours(1));
        var (channel, waits) = (new RedisChannel("work", store), new Waiting());
        channel.Add(waits);
        bells.Listen(channel);
        await Wait.Until(() => Place.Probe.Info("clients")["blocked_clients"] == "1", "it waits");

        channel.Remove(waits);
        Place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");

        Assert.Same(channel, await Wait.For(putBack.Task, "the bell to be rung again"));
    }

    [Fact]
    public async Task A_bell_is_left_to_others_as_soon_as_nobody_is_found_to_wait_any_more()
    {
        var store = Place.Open();
        var putBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bells = new RedisBells(store, _ => putBack.TrySetResult(), patience: TimeSpan.FromHours(1));
        var (channel, waits) = (new RedisChannel("work", store), new Waiting());
        channel.Add(waits);
        bells.Listen(channel);
        await Wait.Until(() => Place.Probe.Info("clients")["blocked_clients"] == "1", "it waits");
        channel.Remove(waits);
        Place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");
        await Wait.For(putBack.Task, "it to find out");
        await Wait.Until(() => Place.Probe.Info("clients")["blocked_clients"] == "1", "it waits again");

        Place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");

        Assert.Equal(1, Place.Probe.Number("LLEN", channel.Keys.Bell));
    }

    [Fact]
    public async Task What_wakes_a_node_that_is_gone_goes_by_itself()
    {
        var store = Place.Open();
        var writer = RedisScript.Wake.Run(keys: 1, arguments: 0);
        writer.Add(store.Keys.WakeOf("gone"));

        await store.Commands.ExecuteAsync(writer.Written);

        Assert.InRange(Place.Probe.TimeToLive(store.Keys.WakeOf("gone"))!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Each_channel_that_somebody_begins_to_wait_at_ends_the_wait_for_those_before()
    {
        var store = Place.Open();
        await using var bells = new RedisBells(store, static _ => { }, patience: TimeSpan.FromHours(1));

        foreach (var name in new ChannelName[] { "first", "second", "third" })
        {
            var (channel, waits) = (new RedisChannel(name, store), new Waiting());
            channel.Add(waits);
            bells.Listen(channel);
            Place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");
            await Wait.For(waits.Looked, $"the bell of '{name}' to be heard");
            await Wait.Until(() => Place.Probe.Info("clients")["blocked_clients"] == "1", "it waits again");
        }
    }

    private sealed class Waiting : IChannelListener
    {
        private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsWaiting => true;

        public Task Looked => _looked.Task;

        public void Look() => _looked.TrySetResult();
    }
}
