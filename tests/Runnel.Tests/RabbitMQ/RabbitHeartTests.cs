using Microsoft.Extensions.Logging.Abstractions;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Receiving;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The thread that beats for connections and workers.</summary>
public sealed class RabbitHeartTests
{
    // A thread that a busy machine lets wait for two of them would count as one that stood still.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task It_beats_again_when_there_is_something_to_beat_for_after_a_rest_and_does_not_take_that_for_a_standstill()
    {
        var heart = new RabbitHeart(Heartbeat, NullLogger.Instance);
        var (first, later) = (new Beating(), new Beating());
        heart.Add(first);
        await Wait.Until(() => first.Beats > 0, "it beats");

        heart.Remove(first);
        await Wait.Until(() => !heart.IsBeating, "it rests");
        heart.Add(later);

        await Wait.Until(() => later.Beats > 0, "it beats again");
        Assert.True(later.WasAlive);
        heart.Remove(later);
    }

    [Fact]
    public async Task A_worker_counts_on_nothing_that_it_holds_while_the_heart_stands_still()
    {
        await using var broker = NewBroker();
        using var go = new ManualResetEventSlim();
        var standing = new Beating(go.Wait);
        await using var worker = new RabbitWorkReceiver(broker, null!, null!, 1, static _ => { });
        Assert.True(worker.IsHeld);

        broker.Heart.Add(standing);
        await Wait.Until(() => !worker.IsHeld, "it has stood still for two heartbeats");
        broker.Heart.Remove(standing);
        go.Set();

        await Wait.Until(() => worker.IsHeld, "it goes on");
    }

    [Fact]
    public async Task One_that_fails_is_told_and_costs_the_others_no_beat()
    {
        using var log = new RecordedLog();
        var heart = new RabbitHeart(Heartbeat, log.CreateLogger("Runnel"));
        var (fails, other) = (new Beating(static () => throw new InvalidOperationException("The test lets it fail.")), new Beating());

        heart.Add(fails);
        heart.Add(other);

        await Wait.Until(() => other.Beats > 1, "the other one is beaten for again");
        Assert.NotEmpty(log.Of(4205));
        heart.Remove(fails);
        heart.Remove(other);
    }

    [Fact]
    public async Task A_worker_that_has_left_is_forgotten()
    {
        await using var broker = NewBroker();
        var left = await LeaveAsync(broker);

        await Wait.UntilForgotten(left);
    }

    private static RabbitMQBroker NewBroker() => new(new RabbitMQOptions { Heartbeat = Heartbeat }, TimeProvider.System, new NullLogger<RabbitMQBroker>());

    private static async Task<WeakReference> LeaveAsync(RabbitMQBroker broker)
    {
        List<RabbitWorkReceiver> left = [];
        var worker = new RabbitWorkReceiver(broker, null!, null!, 1, left.Add);
        await worker.DisposeAsync();
        Assert.Same(worker, Assert.Single(left));
        return new WeakReference(worker);
    }

    private sealed class Beating(Action? onBeat = null) : IBeating
    {
        private int _beats;

        public int Beats => Volatile.Read(ref _beats);

        /// <summary>Whether no beat said that the process had stood still.</summary>
        public bool WasAlive { get; private set; } = true;

        public void Beat(bool stoodStill)
        {
            WasAlive &= !stoodStill;
            onBeat?.Invoke();
            Interlocked.Increment(ref _beats);
        }
    }
}
