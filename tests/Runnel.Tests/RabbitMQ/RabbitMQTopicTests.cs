using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

public sealed class RabbitMQTopicTests(SharedRabbitServer server) : RabbitTopicBinding(server, RabbitMQWire.Runnel);

public sealed class RabbitMQDjangoTopicTests(SharedRabbitServer server) : RabbitTopicBinding(server, RabbitMQWire.Django);

public abstract class RabbitTopicBinding(SharedRabbitServer server, RabbitMQWire wire) : TopicSpecification
{
    private readonly Dictionary<IBackplane, TcpWire> _cables = [];
    private RabbitPlace _place = null!;

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    protected override async ValueTask<IBackplane> OpenAsync()
    {
        var cable = TcpWire.To((await server.Server).Port);
        var backplane = await _place.OpenBackplaneAsync(wire, options => options.Host = _place.Host.AddressAt(cable.Port));
        _cables[backplane] = cable;
        return backplane;
    }

    protected override async Task WhileDeafAsync(IBackplane process, Func<Task> act)
    {
        _cables[process].Cut();
        await Wait.Until(() => process.State == BackplaneState.Interrupted, "the cut was noticed");
        await act();
        _cables[process].Heal();
        await Wait.Until(() => process.State == BackplaneState.Connected, "the process hears again");
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var cable in _cables.Values)
            cable.Heal();
        await base.DisposeAsync();
        await _place.DisposeAsync();
        foreach (var cable in _cables.Values)
            await cable.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
