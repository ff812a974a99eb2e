using System.Collections.Concurrent;
using System.Globalization;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Whom a worker takes for dead.</summary>
public sealed class RedisHeartTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private const string Other = "another.1";
    private const int BeatFailed = 4016;

    private readonly ShiftedTime _time = new();
    private readonly TcpWire _wire = TcpWire.To(server.Port);
    private readonly ConcurrentQueue<LeasesEnded> _judged = new();
    private RedisPlace _place = null!;
    private RedisWorkQueue _queue = null!;
    private RedisHeart _heart = null!;

    private string Workers => $"{_place.Prefix}:{{work}}:workers";

    public ValueTask InitializeAsync()
    {
        _place = new RedisPlace(server, _time);
        var store = _place.Open(address: server.AddressAt(_wire.Port));
        _queue = new RedisWorkQueue(store);
        _heart = new RedisHeart(store, (_, dead) => _judged.Enqueue(dead));
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Another_whose_lease_ends_while_this_one_is_heard_from_is_dead()
    {
        await using var lease = await JoinAsync(TimeSpan.FromDays(1));

        await EndLeaseOfOtherAsync();
        _heart.Beat();

        Assert.NotEmpty(_judged);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(0.8)]
    public async Task A_clock_of_the_server_that_is_set_forward_makes_nobody_dead(double days)
    {
        await using var lease = await JoinAsync(TimeSpan.FromDays(1));
        SetLeaseOfOther(_time.Now + TimeSpan.FromDays(0.75));
        _heart.Beat();

        _time.Shift += TimeSpan.FromDays(days);
        _heart.Beat();
        _heart.Beat();

        Assert.Empty(_judged);
    }

    [Fact]
    public async Task A_clock_of_the_server_that_is_set_back_hides_no_death()
    {
        await using var lease = await JoinAsync(TimeSpan.FromMilliseconds(400));

        _time.Shift -= TimeSpan.FromHours(1);
        await EndLeaseOfOtherAsync();

        await Wait.Until(() => !_judged.IsEmpty, "the other one is taken for dead");
    }

    [Fact]
    public async Task Nobody_is_taken_for_dead_before_everybody_had_the_time_to_come_back_after_a_short_outage()
    {
        await using var lease = await JoinAsync(TimeSpan.FromDays(1));

        _wire.Reset();
        await Wait.Until(BeatsAgain, "its heart beats again");
        await EndLeaseOfOtherAsync();
        _heart.Beat();

        Assert.Empty(_judged);
    }

    [Fact]
    public async Task After_an_outage_the_dead_are_noticed_when_everybody_had_the_time_to_come_back()
    {
        await using var lease = await JoinAsync(TimeSpan.FromMilliseconds(400));

        _wire.Reset();
        SetLeaseOfOther(_time.Now - TimeSpan.FromHours(1));

        await Wait.Until(() => !_judged.IsEmpty, "the other one is taken for dead");
    }

    [Fact]
    public async Task A_connection_that_falls_silent_does_not_cost_a_lease_with_the_default_options()
    {
        await using var wire = TcpWire.To(server.Port);
        await using var heart = new RedisHeart(_place.Open(address: server.AddressAt(wire.Port)), (_, dead) => _judged.Enqueue(dead));
        await using var lease = await JoinAsync(new ReceiverOptions().LeaseDuration);
        _heart.Remove(lease.Term);
        heart.Add(lease.Term);
        heart.Beat();

        wire.Strand();
        var before = LeaseEnd();

        await Wait.Until(
            () =>
            {
                Assert.True(lease.IsHeld, "The lease was not renewed in time.");
                return LeaseEnd() > before;
            },
            "the lease is renewed on another connection");

        long LeaseEnd() => long.Parse(_place.Probe.Texts("ZRANGE", Workers, "0", "-1", "WITHSCORES")[1], null);
    }

    [Fact]
    public async Task Nobody_is_taken_for_dead_before_everybody_had_the_time_to_come_back_after_this_process_stood_still()
    {
        var duration = TimeSpan.FromMilliseconds(400);
        await using var lease = await JoinAsync(duration);
        _heart.Remove(lease.Term);
        _heart.Beat(); // when this returns, none is under way that goes by what was before the standstill
        await Wait.Until(() => !lease.IsHeld, "its own lease is not renewed either");
        SetLeaseOfOther(_time.Now - TimeSpan.FromHours(1));
        var goesOn = _time.Now;

        _heart.Add(lease.Term);
        await Wait.Until(() => !_judged.IsEmpty, "the other one is taken for dead");

        Assert.InRange(DateTimeOffset.UnixEpoch.AddMicroseconds(_judged.First().To) - goesOn, duration - TimeSpan.FromMilliseconds(1), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task That_leases_cannot_be_renewed_is_told_once_and_again_when_they_could_be_meanwhile()
    {
        await using var lease = await JoinAsync(TimeSpan.FromDays(1));

        RefuseToWrite(true);
        Assert.Equal((false, false, false), (BeatsAgain(), BeatsAgain(), BeatsAgain()));
        Assert.Single(_place.Log.Of(BeatFailed));

        RefuseToWrite(false);
        Assert.True(BeatsAgain());
        RefuseToWrite(true);
        Assert.False(BeatsAgain());
        Assert.Equal(2, _place.Log.Of(BeatFailed).Count());
        RefuseToWrite(false);

        void RefuseToWrite(bool refuses) => _place.Probe.Configure("min-replicas-to-write", refuses ? "1" : "0"); // NOREPLICAS
    }

    [Fact]
    public async Task A_lease_too_short_to_be_renewed_over_a_network_is_refused()
    {
        var refusal = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromMilliseconds(50) }));

        Assert.Contains("LeaseDuration", refusal.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _heart.DisposeAsync();
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }

    private async Task<RedisWorkReceiver> JoinAsync(TimeSpan duration)
    {
        var lease = (RedisWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = duration });
        _queue.Heart.Remove(lease.Term);
        _queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        await _queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));
        _heart.Add(lease.Term);
        // For a short lease a beat has no more than a quarter of a second, which a busy machine may need longer for.
        for (var beats = 0; beats < 2; beats++)
            await Wait.Until(BeatsAgain, "its heart beats");
        return lease;
    }

    private bool BeatsAgain()
    {
        try
        {
            _heart.Beat();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task EndLeaseOfOtherAsync()
    {
        var end = _time.Now;
        SetLeaseOfOther(end);
        await Wait.Until(() => _time.Now > end, "the lease has ended");
    }

    private void SetLeaseOfOther(DateTimeOffset end) =>
        _place.Probe.Ask("ZADD", Workers, ((end - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture), Other);

    /// <summary>The system's clock, but for the time of day.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public DateTimeOffset Now => GetUtcNow();

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Shift;
    }
}
