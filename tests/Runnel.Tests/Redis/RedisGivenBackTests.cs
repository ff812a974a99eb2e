using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What a worker gives back after its time is over: it is not handed out any more, and that is told.</summary>
public sealed class RedisGivenBackTests(RedisServer server) : RedisQueueTests(server)
{
    private const int Expired = 4008;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_counted_as_expired(bool leaves)
    {
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [.. Enumerable.Range(0, 3).Select(_ => NewMessage() with { TimeToLive = TimeSpan.FromMinutes(1) })], EnqueueOptions.Default);
        var held = await Wait.For(lease.ReceiveAsync("work", 3).AsTask(), "the messages");
        Time.Advance(TimeSpan.FromMinutes(2));

        if (leaves)
        {
            await lease.DisposeAsync();
        }
        else
        {
            foreach (var message in held)
                Assert.True(await lease.AbandonAsync(message, AbandonOptions.Untouched));
        }

        await Wait.Until(() => Place.Log.Of(Expired).Sum(entry => int.Parse(entry.Text.Split(' ')[0], null)) == 3, "all three are told");
        Assert.Empty(await Queue.ListChannelsAsync());
    }
}
