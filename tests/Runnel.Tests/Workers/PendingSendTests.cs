using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a send holds while the layer stores its message.</summary>
public sealed class PendingSendTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_that_the_layer_is_storing_hold_no_memory_of_the_pool(bool isSingle)
    {
        const int Sends = 1_000, Most = 8 * 1024; // a page of the pool has 16 KiB
        var clock = new ManualTimeProvider();
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock)) { OnEnqueue = () => stored.Task };
        await using var app = new WorkerApp(new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("payments", (string _) => Task.CompletedTask));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var sending = Enumerable.Range(0, Sends).Select(_ => SendAsync()).ToArray();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        stored.SetResult();
        await Wait.For(Task.WhenAll(sending), "all messages to be stored");

        Assert.InRange(allocated / Sends, 0, Most);

        Task SendAsync() => isSingle ? app.Channels.SendAsync("payments", "1").AsTask() : app.Channels.SendManyAsync("payments", ["1", "2"]).AsTask();
    }
}
