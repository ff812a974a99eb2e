using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

public sealed class RabbitMQBackplaneTests(SharedRabbitServer server) : RabbitBackplaneBinding(server, RabbitMQWire.Runnel);

public sealed class RabbitMQDjangoBackplaneTests(SharedRabbitServer server) : RabbitBackplaneBinding(server, RabbitMQWire.Django);

public abstract class RabbitBackplaneBinding(SharedRabbitServer server, RabbitMQWire wire) : BackplaneSpecification
{
    private RabbitPlace _place = null!;

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(300));

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    protected override async ValueTask<IBackplane> OpenAsync() => await _place.OpenBackplaneAsync(wire);

    // Every node has a queue, which the broker binds to the default exchange by itself.
    protected override async ValueTask<int> CountKeptAsync() => (await _place.Host.BindingsAsync()).Count;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
