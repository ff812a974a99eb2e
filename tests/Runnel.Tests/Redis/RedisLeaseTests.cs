using Runnel.Layers;
using Runnel.Redis;
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
        await using var lease = (RedisWorkerLease)await queue.AcquireLeaseAsync(new WorkerLeaseOptions { Duration = TimeSpan.FromMilliseconds(400) });
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));
        Assert.True(lease.IsHeld);

        queue.Heart.Remove(lease);
        await Wait.Until(() => !lease.IsHeld, "the lease has lasted for as long as it does");
        queue.Heart.Add(lease);
        await Wait.Until(() => lease.IsHeld, "it is renewed");

        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.True(await lease.CompleteAsync(message));
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
