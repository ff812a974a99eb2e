namespace Runnel.Bench;

/// <summary>The process's own memory.</summary>
internal sealed class MemoryQueueStore : QueueStore
{
    public override string Scheme => "memory";

    public override string Durability => "nothing outlives the process";

    public override QueueSizes Sizes { get; } = new(OneCaller: 200_000, ManyCallers: 400_000, Bulk: 400_000, Process: 400_000, Keys: 200_000, BareManyCallers: 400_000);

    public override Task<string> NewAddressAsync(CancellationToken cancellationToken) => Task.FromResult("memory:");

    public override Task<IBareStore> NewBareAsync(CancellationToken cancellationToken) => Task.FromResult<IBareStore>(new BareChannel());

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
