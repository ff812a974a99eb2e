using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

[Collection(nameof(MortalRabbitServer))]
public sealed class RabbitMQOutageTests(MortalRabbitServer mortal) : RabbitOutageBinding(mortal, RabbitMQWire.Runnel);

[Collection(nameof(MortalRabbitServer))]
public sealed class RabbitMQDjangoOutageTests(MortalRabbitServer mortal) : RabbitOutageBinding(mortal, RabbitMQWire.Django);

public abstract class RabbitOutageBinding(MortalRabbitServer mortal, RabbitMQWire wire) : OutageSpecification
{
    private readonly List<TcpWire> _cables = [];
    private readonly RabbitServer _server = mortal.Server;
    private RabbitPlace _place = null!;

    public override async ValueTask InitializeAsync()
    {
        _place = new(await _server.CreateHostAsync());
        await base.InitializeAsync();
    }

    protected override async ValueTask<WiredBackplane> OpenAsync(int buffer, int bytes, TimeSpan patience)
    {
        var cable = TcpWire.To(_server.Port);
        _cables.Add(cable);
        var backplane = await _place.OpenBackplaneAsync(wire, options =>
        {
            options.Host = _place.Host.AddressAt(cable.Port);
            options.Heartbeat = TimeSpan.FromSeconds(5); // a machine that stands still for a shorter time loses no connection by that
            (options.OutageBuffer, options.OutageBufferBytes, options.OutageTimeout) = (buffer, bytes, patience);
        });
        return new WiredBackplane(backplane, cable.Cut, () => cable.Silence(), cable.Heal);
    }

    protected override Task KillBrokerAsync() => _server.KillAsync();

    protected override Task RestartBrokerAsync() => _server.RestartAsync();

    protected override Task BreakConnectionsAsync() => _place.Host.CloseConnectionsAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
        foreach (var cable in _cables)
            await cable.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
