using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is put in order once a minute.</summary>
public sealed class RedisSweeperTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private const int Dead = 1_500;

    private readonly ManualTimeProvider _time = new();
    private RedisPlace? _place;

    private RedisPlace Place => _place ??= new(server, _time);

    [Fact]
    public async Task All_dead_letters_that_are_too_old_are_deleted_in_one_turn()
    {
        await using var queue = new RedisWorkQueue(Place.Open(options => options.DeadLetterRetention = TimeSpan.FromDays(1)));
        await queue.EnqueueAsync("work", [.. Enumerable.Range(0, Dead).Select(_ => NewMessage())], EnqueueOptions.Default);
        await using (var lease = await queue.AcquireLeaseAsync(new WorkerLeaseOptions()))
        {
            for (var dead = 0; dead < Dead;)
            {
                var messages = await Wait.For(lease.ReceiveAsync("work", 250).AsTask(), "messages");
                await Task.WhenAll(messages.Select(message => lease.DeadLetterAsync(message, DeadLetterReason.Rejected, "no").AsTask()));
                dead += messages.Count;
            }
        }

        _time.Advance(TimeSpan.FromDays(2));
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.DoesNotContain(Place.Probe.Keys($"{Place.Prefix}:*"), key => !key.Contains(":sent:", StringComparison.Ordinal) && !key.EndsWith(":order", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_channel_that_somebody_has_used_since_it_was_found_empty_is_not_forgotten()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        var channels = $"{Place.Prefix}:channels";
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);

        await queue.Sweeper.ForgetAsync("work", "1");
        Assert.Equal(1, Place.Probe.Number("ZCARD", channels));

        await queue.Sweeper.ForgetAsync("work", Place.Probe.Text("ZSCORE", channels, "work")!);
        await queue.Sweeper.ForgetAsync("work", "1");
        Assert.Equal(0, Place.Probe.Number("ZCARD", channels));
    }

    [Theory]
    [InlineData(0, 100, 0)] // nothing is known yet
    [InlineData(100, 160, 100)]
    [InlineData(100, 100_000, 100)] // the clock was set forward: leases that hold have ended by it, and had not by then
    [InlineData(100, 40, 0)] // it was set back: no lease that holds ends as late as then
    public void Dead_is_whose_lease_had_ended_a_turn_before(long turnBefore, long now, long ended) =>
        Assert.Equal(new LeasesEnded(0, ended), RedisSweeper.DeadSince(turnBefore, now));

    public async ValueTask DisposeAsync()
    {
        if (_place is not null)
            await _place.DisposeAsync();
    }

    private static Envelope NewMessage() => new(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) };
}
