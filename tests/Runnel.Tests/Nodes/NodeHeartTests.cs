using Runnel.Nodes;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Nodes;

public sealed class NodeHeartTests
{
    [Fact]
    public async Task Many_who_wake_it_at_once_get_few_beats()
    {
        var beats = 0;
        using var heart = new NodeHeart(() =>
        {
            Interlocked.Increment(ref beats);
            return Timeout.InfiniteTimeSpan;
        });
        await Wait.Until(() => Volatile.Read(ref beats) == 1, "its thread runs");

        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMilliseconds(300))
        {
            heart.Wake();
            Thread.Yield();
        }

        var counted = Volatile.Read(ref beats); // before the time is taken: the last wake may still bring a beat
        var most = 2 + (TimeProvider.System.GetElapsedTime(began) / TimeSpan.FromMilliseconds(50));
        Assert.InRange(counted, 1, most);
    }

    [Fact]
    public async Task A_heart_beats_when_it_is_time_and_when_it_is_woken_and_needs_no_thread_of_the_pool()
    {
        var (beats, isOfPool, rest) = (0, false, TimeSpan.FromMilliseconds(1));
        using var heart = new NodeHeart(() =>
        {
            isOfPool |= Thread.CurrentThread.IsThreadPoolThread;
            Interlocked.Increment(ref beats);
            return rest;
        });
        await Wait.Until(() => Volatile.Read(ref beats) > 2, "it beats by itself");

        rest = Timeout.InfiniteTimeSpan;
        for (var i = 0; i < 3; i++)
        {
            var before = Volatile.Read(ref beats);
            heart.Wake();
            await Wait.Until(() => Volatile.Read(ref beats) > before, "it beats when it is woken");
        }
        heart.Dispose();

        var last = beats;
        heart.Wake();
        Assert.Equal(last, beats);
        Assert.False(isOfPool);
    }
}
