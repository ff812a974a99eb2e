namespace Runnel.Bench;

/// <summary>A RabbitMQ, with a place for each measurement.</summary>
internal sealed class RabbitQueueStore(BenchRabbit rabbit) : QueueStore
{
    private RabbitPlace? _ours;

    public override string Scheme => "amqp";

    public override string Durability => $"{Rabbit.Description}, quorum queues on one node, persistent messages, publisher confirms";

    public override string BetweenNodes => Rabbit.Description;

    public override QueueSizes Sizes { get; } = new(OneCaller: 1_500, ManyCallers: 40_000, Bulk: 60_000, Process: 60_000, Keys: 30_000, BareManyCallers: 40_000);

    public override string Server => "RabbitMQ";

    public override string Peer => MassTransitPeer.Name;

    public BenchRabbit Rabbit { get; } = rabbit;

    public override async Task<string> NewAddressAsync(CancellationToken cancellationToken)
    {
        await LeaveAsync(cancellationToken);
        _ours = await Rabbit.NewPlaceAsync(cancellationToken);
        return _ours.LayerAddress;
    }

    public override async Task<IBareStore> NewBareAsync(CancellationToken cancellationToken) => await BareRabbit.OpenAsync(await NewPlaceAsync(cancellationToken), cancellationToken);

    /// <summary>An empty place for somebody who cleans it up himself.</summary>
    public async Task<RabbitPlace> NewPlaceAsync(CancellationToken cancellationToken)
    {
        await LeaveAsync(cancellationToken);
        return await Rabbit.NewPlaceAsync(cancellationToken);
    }

    public override Task<IQueuePeer> StartPeerAsync(CancellationToken cancellationToken) => Task.FromResult<IQueuePeer>(new MassTransitPeer(this));

    public override Task<TimeSpan> ServerCpuTimeAsync(CancellationToken cancellationToken) => Task.FromResult(Rabbit.Own?.CpuTime ?? TimeSpan.Zero);

    public override async ValueTask DisposeAsync()
    {
        await LeaveAsync(CancellationToken.None);
        Rabbit.Dispose();
    }

    // A virtual host of a broker of the run's own goes as a whole.
    private async Task LeaveAsync(CancellationToken cancellationToken)
    {
        if (Rabbit.Own is null && _ours is { } place)
            await RabbitCleaner.CleanAsync(place, cancellationToken);
        _ours = null;
    }
}
