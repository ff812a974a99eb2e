using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>The work queue while Redis is killed, and while one process of several cannot reach it.</summary>
public sealed class RedisWorkQueueOutageTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private static readonly ReceiverOptions ShortLease = new() { LeaseDuration = TimeSpan.FromMilliseconds(600) };

    // Where there are two workers: one whose heart stands still for a while on a busy machine is not to be taken for dead by the other.
    private static readonly ReceiverOptions Lease = new() { LeaseDuration = TimeSpan.FromSeconds(5) };

    private readonly RedisPlace _place = new(server);

    [Fact]
    public async Task What_is_stored_while_Redis_is_killed_is_stored_once()
    {
        await using var queue = Open();
        var stored = new ConcurrentBag<MessageId>();
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                var message = NewMessage();
                Assert.Equal(1, await queue.EnqueueAsync("work", [message], EnqueueOptions.Default));
                stored.Add(message.Id);
            }
        })).ToList();

        for (var kills = 0; kills < 2; kills++)
        {
            await GrowAsync(stored, by: 200);
            await server.KillAsync();
            await server.RestartAsync();
        }
        await GrowAsync(stored, by: 200);
        await enough.CancelAsync();
        await Wait.For(Task.WhenAll(callers), "the callers to end");

        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        List<MessageId> received = [];
        while (received.Count < stored.Count)
        {
            foreach (var message in await Wait.For(lease.ReceiveAsync("work", 250).AsTask(), "messages"))
            {
                Assert.True(await lease.CompleteAsync(message));
                received.Add(message.Envelope.Id);
            }
        }
        Assert.Equal(stored.Select(id => id.ToString()).Order(), received.Select(id => id.ToString()).Order());
    }

    [Fact]
    public async Task While_Redis_stands_still_no_more_messages_wait_for_it_than_the_buffer_holds()
    {
        await using var queue = new RedisWorkQueue(_place.Open(options => (options.OutageBuffer, options.Timeout) = (10, TimeSpan.FromMinutes(10))));
        List<Task<int>> waiting = [];
        await server.PauseAsync();
        try
        {
            await Wait.Until(
                () =>
                {
                    waiting.Add(queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default).AsTask());
                    return waiting[^1].IsFaulted;
                },
                "one is refused");
        }
        finally
        {
            await server.ResumeAsync();
        }

        var failure = await Assert.ThrowsAsync<RedisUnavailableException>(() => waiting[^1]);
        Assert.Contains("OutageBuffer", failure.Message, StringComparison.Ordinal);
        Assert.All(await Wait.For(Task.WhenAll(waiting[..^1]), "the others to be stored"), stored => Assert.Equal(1, stored));
    }

    [Fact]
    public async Task Workers_live_through_an_outage_that_is_longer_than_their_leases()
    {
        await using var queue = Open();
        await using var other = Open();
        await using var lease = await queue.OpenReceiverAsync(Lease);
        await using var neighbour = await other.OpenReceiverAsync(Lease);
        await queue.EnqueueAsync("work", [NewMessage(), NewMessage()], EnqueueOptions.Default);
        var mine = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first message"));
        var theirs = Assert.Single(await Wait.For(neighbour.ReceiveAsync("work", 1).AsTask(), "the second message"));
        var next = lease.ReceiveAsync("work", 1).AsTask();

        await server.KillAsync();
        await Wait.Until(() => !lease.IsHeld && !neighbour.IsHeld, "the leases have lasted for as long as they do");
        await server.RestartAsync();
        await Wait.Until(() => lease.IsHeld && neighbour.IsHeld, "the leases are renewed");

        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.False(neighbour.Lost.IsCancellationRequested);
        Assert.True(await lease.CompleteAsync(mine));
        Assert.True(await neighbour.CompleteAsync(theirs));
        await other.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        Assert.Single(await Wait.For(next, "the message that came after the outage"));
    }

    [Fact]
    public async Task A_worker_that_alone_is_cut_off_for_longer_than_its_lease_is_fenced()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var here = Open();
        await using var cutOff = Open(server.AddressAt(wire.Port));
        await using var zombie = await cutOff.OpenReceiverAsync(Lease);
        await using var heir = await here.OpenReceiverAsync(Lease);
        await here.EnqueueAsync("work", [NewMessage("the key"), NewMessage("the key")], EnqueueOptions.Default);
        var taken = Assert.Single(await Wait.For(zombie.ReceiveAsync("work", 1).AsTask(), "the first message"));

        var waiting = heir.ReceiveAsync("work", 1).AsTask();
        wire.Cut();
        var inherited = Assert.Single(await Wait.For(waiting, "the message of the one that is cut off"));
        Assert.False(zombie.IsHeld);
        wire.Heal();

        Assert.Equal(taken.Envelope.Id, inherited.Envelope.Id);
        Assert.Equal(1, inherited.Envelope.Crashes);
        Assert.False(await zombie.CompleteAsync(taken));
        await Wait.Until(() => zombie.Lost.IsCancellationRequested, "the one that was cut off learns that it lost its lease");
        await Assert.ThrowsAsync<LeaseLostException>(() => zombie.ReceiveAsync("work", 1).AsTask());
        Assert.True(await heir.CompleteAsync(inherited));
        Assert.StartsWith($"Worker {zombie.WorkerId} was taken for dead", Assert.Single(_place.Log.Of(4012)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_replica_lacks_that_takes_over_is_lost_and_what_was_settled_last_is_handed_out_again_and_keeps_nothing_waiting()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var queue = Open(server.AddressAt(wire.Port));
        await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        var (holds, behind) = (NewMessage(), NewMessage("key"));
        List<Envelope> settles = [NewMessage("key"), .. Enumerable.Range(0, 300).Select(_ => NewMessage())]; // more than one script gives back
        await queue.EnqueueAsync("work", [holds, .. settles, behind], EnqueueOptions.Default);
        var taken = await ReceiveAsync(1 + settles.Count);
        await using var replica = await RedisReplica.FollowAsync(server);

        replica.CutOff();
        await CompleteAsync(taken.Where(message => message.Id != holds.Id));
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        replica.TakeOver(wire);
        var again = await ReceiveAsync(settles.Count);
        await CompleteAsync(again);
        var last = Assert.Single(await ReceiveAsync(1));
        Assert.True(await worker.CompleteAsync(last));
        var marker = NewMessage();
        await queue.EnqueueAsync("work", [marker], EnqueueOptions.Default);
        var next = Assert.Single(await Wait.For(worker.ReceiveAsync("work", 10).AsTask(), "a message that is sent later"));

        Assert.Equal(settles.Select(message => (message.Id, 1)).ToHashSet(), again.Select(message => (message.Id, message.Envelope.Crashes)).ToHashSet());
        Assert.Equal((behind.Id, 0), (last.Id, last.Envelope.Crashes));
        Assert.Equal(marker.Id, next.Id);
        await CompleteAsync(taken.Where(message => message.Id == holds.Id));
        await Wait.Until(() => _place.Log.Of(4017).Any(), "it is told"); // by the thread that asked for them back, which nobody has waited for
        Assert.StartsWith("Redis came back, or a replica has taken its place", Assert.Single(_place.Log.Of(4017)).Text, StringComparison.Ordinal);

        async Task<List<ReceivedMessage>> ReceiveAsync(int count)
        {
            List<ReceivedMessage> received = [];
            while (received.Count < count)
                received.AddRange(await Wait.For(worker.ReceiveAsync("work", count - received.Count).AsTask(), "messages"));
            return received;
        }

        async Task CompleteAsync(IEnumerable<ReceivedMessage> messages) => Assert.DoesNotContain(false, await Wait.For(Task.WhenAll(messages.Select(message => worker.CompleteAsync(message).AsTask())), "all are settled"));
    }

    [Fact]
    public async Task A_worker_with_nothing_to_do_asks_no_more_than_its_heart_beats()
    {
        await using var queue = Open();
        await using var lease = await queue.OpenReceiverAsync(ShortLease);
        var waits = Enumerable.Range(0, 10).Select(i => lease.ReceiveAsync($"work-{i}", 1).AsTask()).ToList();
        await Wait.Until(() => _place.Probe.Clients().Any(client => client.Contains("cmd=blpop", StringComparison.Ordinal)), "it waits for the bells");
        await Wait.Until(() => ((RedisWorkReceiver)lease).Term is var term && queue.Heart.Holds(term) && term.Channels.Count == waits.Count, "it is a worker of all");
        var (began, scripts) = (TimeProvider.System.GetTimestamp(), Scripts()); // in this order: its heart goes on beating while the answer is on its way

        await Wait.Until(() => Scripts() >= scripts + 20, "its heart has beaten for a while");

        // Four beats in a lease, whatever the number of its channels; a slow machine only makes them fewer. One script of before may still be under way.
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), 18 * (ShortLease.LeaseDuration / 4), TimeSpan.MaxValue);
        Assert.All(waits, wait => Assert.False(wait.IsCompleted));
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    private static Task GrowAsync(ConcurrentBag<MessageId> stored, int by)
    {
        var before = stored.Count;
        return Wait.Until(() => stored.Count >= before + by, $"{by} more messages are stored");
    }

    private static Envelope NewMessage(string? key = null) => new(new Message("do", default)) { Id = MessageId.New(TimeProvider.System), Key = key };

    private long Scripts() => _place.Probe.CommandCalls().GetValueOrDefault("evalsha");

    private RedisWorkQueue Open(string? address = null) => new(_place.Open(static options => (options.Timeout, options.OutageTimeout) = (TimeSpan.FromSeconds(1), Wait.Limit), address));
}
