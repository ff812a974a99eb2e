using System.Runtime.CompilerServices;
using Runnel.Layers;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is sent to a channel while other messages are on their way.</summary>
public sealed class RedisEnqueueTripTests
{
    [Fact]
    public void A_trip_knows_the_one_before_it_and_does_not_keep_what_that_one_carried()
    {
        var (first, second) = TwoTrips();

        GC.Collect();

        Assert.Equal((0, 1L), second.Preceding);
        Assert.False(first.IsAlive);
        GC.KeepAlive(second);
    }

    // In a method of its own: otherwise the first trip stays in a local until the test ends.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference First, EnqueueTrip Second) TwoTrips()
    {
        var first = new EnqueueTrip([NewRequest()], place: 0, number: 1);
        return (new WeakReference(first), new EnqueueTrip([NewRequest()], place: 1, number: 2, preceding: first));
    }

    private static EnqueueRequest NewRequest() =>
        new("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default, new Sealing([]));
}
