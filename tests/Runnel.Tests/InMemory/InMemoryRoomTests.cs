using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryRoomTests
{
    [Fact]
    public async Task A_large_batch_that_waits_for_room_is_not_overtaken_by_small_ones()
    {
        var clock = new ManualTimeProvider();
        var queue = new InMemoryWorkQueue(clock);
        await using var lease = await queue.AcquireLeaseAsync(new());
        Envelope Message() => new(new Message("t", default)) { Id = MessageId.New(clock) };
        var options = new EnqueueOptions { Capacity = 3 };
        await queue.EnqueueAsync("thumbnails", [Message(), Message()], options);

        var large = queue.EnqueueAsync("thumbnails", [Message(), Message()], options with { WaitForRoom = TimeSpan.FromHours(1) }).AsTask();
        await Assert.ThrowsAsync<ChannelFullException>(async () => await queue.EnqueueAsync("thumbnails", [Message()], options));
        await lease.ReceiveAsync("thumbnails", 1);

        Assert.Equal(2, await Wait.For(large, "room for the large batch"));
    }
}
