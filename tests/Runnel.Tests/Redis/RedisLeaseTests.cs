using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What a worker knows of its lease without asking.</summary>
public sealed class RedisLeaseTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place = new(server);

    [Fact]
    public async Task A_lease_that_was_not_renewed_for_as_long_as_it_lasts_is_not_counted_on_until_it_is()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        await using var lease = (RedisWorkReceiver)await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromMilliseconds(400) });
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));
        await Wait.Until(() => lease.IsHeld, "the lease is held"); // a busy machine may bring the answer when it has to be renewed already

        queue.Heart.Remove(lease.Term);
        await Wait.Until(() => !lease.IsHeld, "the lease has lasted for as long as it does");
        queue.Heart.Add(lease.Term);
        await Wait.Until(() => lease.IsHeld, "it is renewed");

        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.True(await lease.CompleteAsync(message));
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_on_one_channel_settles_or_gives_back_what_it_holds_on_the_others()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        var worker = (RedisWorkReceiver)await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromMinutes(1) });
        foreach (var channel in new[] { "lost", "kept", "kept", "quiet" })
            await queue.EnqueueAsync(channel, [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var lost = Assert.Single(await TakeAsync(worker, "lost", 1));
        ReceivedMessage[] kept = [.. await TakeAsync(worker, "kept", 1), .. await TakeAsync(worker, "kept", 1)];
        await TakeAsync(worker, "quiet", 1);

        await ReapAsync(queue, worker, "lost");
        queue.Heart.Beat();
        var (isHeld, isLost, isDone) = (worker.IsHeld, worker.Lost.IsCancellationRequested, await worker.CompleteAsync(kept[0]));
        var isLostDone = await worker.CompleteAsync(lost);
        var renewed = queue.Heart.Holds(worker.Term);
        await worker.DisposeAsync();

        Assert.Equal((false, true, true, false, true), (isHeld, isLost, isDone, isLostDone, renewed));
        await using var next = await queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Equal((lost.Id, 1), Assert.Single(await TakeAsync(next, "lost", 10)) is var again ? (again.Id, again.Envelope.Crashes) : default);
        Assert.Equal((kept[1].Id, 0), Assert.Single(await TakeAsync(next, "kept", 10)) is var back ? (back.Id, back.Envelope.Crashes) : default);
        Assert.Equal(0, Assert.Single(await TakeAsync(next, "quiet", 10)).Envelope.Crashes);
    }

    [Fact]
    public async Task A_lease_lasts_from_when_the_worker_joined_though_its_heart_has_not_beaten_since()
    {
        var term = new LeaseTerm("worker", TimeSpan.FromMilliseconds(50));
        Assert.True(term.IsHeld);

        term.Join(null!, TimeProvider.System.GetTimestamp());

        await Wait.Until(() => !term.IsHeld, "it is over");
    }

    private static async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(IWorkReceiver lease, ChannelName channel, int max) =>
        await Wait.For(lease.ReceiveAsync(channel, max).AsTask(), "a message");

    // As another process would that has not heard of the worker for too long.
    private async Task ReapAsync(RedisWorkQueue queue, RedisWorkReceiver worker, ChannelName name)
    {
        var channel = worker.Term.Channels.Single(channel => channel.Name == name);
        _place.Probe.Ask("ZADD", channel.Keys.Workers, "XX", "0", worker.Term.WorkerId); // dead for good: no beat of its heart that is on its way changes that
        await queue.Sweeper.SweepAsync(channel, new LeasesEnded(0, 1));
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
