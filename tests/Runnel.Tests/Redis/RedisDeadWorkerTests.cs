using Runnel.Layers;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What becomes of a worker that others took for dead, and of what it held.</summary>
public sealed class RedisDeadWorkerTests(RedisServer server) : RedisQueueTests(server)
{
    [Fact]
    public async Task Older_processes_read_in_the_name_of_a_worker_that_very_many_may_die_of_a_message()
    {
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());

        Assert.Matches(@"\D65535$", lease.WorkerId);
    }

    [Fact]
    public async Task A_worker_that_was_taken_for_dead_and_not_told_claims_nothing_and_hears_of_it()
    {
        await using var lease = (RedisWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [NewMessage("1"), NewMessage("2")], EnqueueOptions.Default);
        Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "a message"));

        await TakeForDeadAsync(lease);
        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "it hears of it"));

        await Wait.Until(() => lease.Lost.IsCancellationRequested, "its token says so, too"); // which is told after those who wait for a message
        Assert.Empty(Place.Probe.Keys($"{Place.Prefix}:{{work}}:claims:*"));
        Assert.Equal(2, (await Queue.ListChannelsAsync()).Single().Ready);
    }

    [Fact]
    public async Task A_worker_that_was_taken_for_dead_and_not_told_completes_nothing_and_hears_of_it()
    {
        await using var lease = (RedisWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await using var other = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [NewMessage("1", "k"), NewMessage("2", "k")], EnqueueOptions.Default);
        var held = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first"));

        await TakeForDeadAsync(lease);
        Assert.Equal("1", Assert.Single(await Wait.For(other.ReceiveAsync("work", 10).AsTask(), "the first, again")).Envelope.Message.Type);
        Assert.False(await Wait.For(lease.CompleteAsync(held).AsTask(), "the answer"));

        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Equal((0, 1), (await Queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.Blocked) : default);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_dead_worker_held_is_given_to_others_by_whoever_comes_next_when_the_first_one_stops_in_the_middle(bool beats)
    {
        await using var dead = (RedisWorkReceiver)await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [.. Enumerable.Range(0, 250).Select(_ => NewMessage())], EnqueueOptions.Default);
        Assert.Equal(250, (await Wait.For(dead.ReceiveAsync("work", 250).AsTask(), "all messages")).Count);
        Queue.Heart.Remove(dead.Term);
        Queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        Place.Probe.Ask("ZADD", Key("workers"), "XX", "1", dead.Term.WorkerId);

        var first = await Queue.Sweeper.SweepOnceAsync(Queue.Channels.ChannelOf("work"), new LeasesEnded(0, 1));
        Assert.Equal((1, 100), (first[1].AsNumber(), first[3].AsNumber()));
        if (beats)
        {
            Queue.Heart.Add(dead.Term);
            Queue.Heart.Beat();
        }
        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(dead.ReceiveAsync("work", 1).AsTask(), "it hears of it"));
        await Queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Equal((250, 0), (await Queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.InFlight) : default);
        Assert.False(Place.Probe.Exists(Key("workers")));
    }

    private async Task TakeForDeadAsync(RedisWorkReceiver lease)
    {
        Queue.Heart.Remove(lease.Term);
        Queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        Place.Probe.Ask("ZADD", Key("workers"), "XX", "1", lease.Term.WorkerId);
        await Queue.Sweeper.SweepAllAsync(new LeasesEnded(0, 1));
    }
}
