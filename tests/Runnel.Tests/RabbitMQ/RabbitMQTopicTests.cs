using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

public sealed class RabbitMQTopicTests(SharedRabbitServer server) : TopicSpecification
{
    private readonly Dictionary<IBackplane, TcpWire> _wires = [];
    private RabbitPlace _place = null!;

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    protected override async ValueTask<IBackplane> OpenAsync()
    {
        var wire = TcpWire.To((await server.Server).Port);
        var backplane = await _place.OpenBackplaneAsync(options => options.Host = _place.Host.AddressAt(wire.Port));
        _wires[backplane] = wire;
        return backplane;
    }

    protected override async Task WhileDeafAsync(IBackplane process, Func<Task> act)
    {
        _wires[process].Cut();
        await Wait.Until(() => process.State == BackplaneState.Interrupted, "the cut was noticed");
        await act();
        _wires[process].Heal();
        await Wait.Until(() => process.State == BackplaneState.Connected, "the process hears again");
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var wire in _wires.Values)
            wire.Heal();
        await base.DisposeAsync();
        await _place.DisposeAsync();
        foreach (var wire in _wires.Values)
            await wire.DisposeAsync();
    }
}
