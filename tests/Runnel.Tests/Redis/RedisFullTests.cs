using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A Redis whose memory is full: it refuses what is new, and whatever makes room gets through.</summary>
public sealed class RedisFullTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private static readonly ReceiverOptions ShortLease = new() { LeaseDuration = TimeSpan.FromMilliseconds(600) };

    private readonly RedisPlace _place = new(server);

    private string Workers => $"{_place.Prefix}:{{work}}:workers";

    [Theory]
    [InlineData(null)]
    [InlineData("once")]
    public async Task A_new_message_is_refused(string? deduplicationId)
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        BeFull();

        var message = NewMessage() with { DeduplicationId = deduplicationId, DeduplicationWindow = TimeSpan.FromMinutes(1) };
        var failure = await Assert.ThrowsAnyAsync<IOException>(() => queue.EnqueueAsync("work", [message], EnqueueOptions.Default).AsTask());

        Assert.Contains("OOM", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_starts_now_empties_a_channel()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        BeFull();

        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        Assert.True(await lease.CompleteAsync(message));
    }

    [Fact]
    public async Task Leases_go_on_being_renewed()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        await using var lease = await queue.OpenReceiverAsync(ShortLease);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        BeFull();
        var ending = LeaseEnd();
        await Wait.Until(() => LeaseEnd() > ending + 1_000_000, "the lease is renewed for another second");

        await Wait.Until(() => lease.IsHeld, "the worker knows, too");
        Assert.True(await lease.CompleteAsync(message));
    }

    [Fact]
    public async Task What_a_worker_hands_back_goes_to_another()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        var leaving = await queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Single(await Wait.For(leaving.ReceiveAsync("work", 1).AsTask(), "the message"));

        BeFull();
        await leaving.DisposeAsync();

        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Equal(0, Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message")).Envelope.Crashes);
    }

    [Fact]
    public async Task What_a_dead_worker_held_goes_to_another()
    {
        await using var dying = new RedisWorkQueue(_place.Open());
        await using var queue = new RedisWorkQueue(_place.Open());
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        var dead = (RedisWorkReceiver)await dying.OpenReceiverAsync(ShortLease);
        Assert.Single(await Wait.For(dead.ReceiveAsync("work", 1).AsTask(), "the message"));
        await using var lease = await queue.OpenReceiverAsync(ShortLease);

        BeFull();
        dying.Heart.Remove(dead.Term);

        Assert.Equal(1, Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message")).Envelope.Crashes);
    }

    [Fact]
    public async Task One_process_at_a_time_takes_the_turn_to_delete_what_has_expired()
    {
        await using var one = new RedisWorkQueue(_place.Open());
        await using var two = new RedisWorkQueue(_place.Open());
        BeFull();

        Assert.True((await one.Sweeper.TakeTurnAsync()).IsTaken);
        Assert.False((await two.Sweeper.TakeTurnAsync()).IsTaken);
        Assert.InRange(_place.Probe.TimeToLive($"{_place.Prefix}:sweeping")!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task The_identity_of_the_data_is_read()
    {
        var identity = await _place.Open().GetIdentityAsync(CancellationToken.None);
        BeFull();

        Assert.Equal(identity, await _place.Open().GetIdentityAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_first_process_starts_and_notes_what_the_data_are()
    {
        BeFull();

        var store = _place.Open();
        await store.OpenAsync();
        var identity = await store.GetIdentityAsync(CancellationToken.None);

        Assert.Equal(identity, $"redis/{_place.Probe.Text("GET", $"{_place.Prefix}:identity")}");
        Assert.True(_place.Probe.Exists($"{_place.Prefix}:format"));
    }

    [Fact]
    public async Task A_channel_that_could_not_be_noted_is_noted_when_there_is_room_again()
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        BeFull();
        await Assert.ThrowsAnyAsync<IOException>(() => queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default).AsTask());

        _place.Probe.Configure("maxmemory", "0");

        await Wait.Until(async () =>
        {
            await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
            return (await queue.ListChannelsAsync()).Count == 1;
        }, "the operator finds the channel");
    }

    public async ValueTask DisposeAsync()
    {
        _place.Probe.Configure("maxmemory", "0");
        await _place.DisposeAsync();
    }

    private static Envelope NewMessage() => new(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) };

    private void BeFull() => _place.Probe.Configure("maxmemory", "1");

    private long LeaseEnd() => long.Parse(_place.Probe.Texts("ZRANGE", Workers, "0", "-1", "WITHSCORES")[1], null);
}
