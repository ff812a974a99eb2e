using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class RabbitMQOutageTests(RabbitMQOutageTests.Broker broker) : OutageSpecification, IClassFixture<RabbitMQOutageTests.Broker>
{
    private readonly List<TcpWire> _wires = [];
    private readonly RabbitServer _server = broker.Server;
    private RabbitPlace _place = null!;

    public override async ValueTask InitializeAsync()
    {
        _place = new(await _server.CreateHostAsync());
        await base.InitializeAsync();
    }

    protected override async ValueTask<WiredBackplane> OpenAsync(int buffer, int bytes, TimeSpan patience)
    {
        var wire = TcpWire.To(_server.Port);
        _wires.Add(wire);
        var backplane = await _place.OpenBackplaneAsync(options =>
        {
            options.Host = _place.Host.AddressAt(wire.Port);
            options.Heartbeat = TimeSpan.FromSeconds(1);
            (options.OutageBuffer, options.OutageBufferBytes, options.OutageTimeout) = (buffer, bytes, patience);
        });
        return new WiredBackplane(backplane, wire.Cut, () => wire.Silence(), wire.Heal);
    }

    protected override Task KillBrokerAsync() => _server.KillAsync();

    protected override Task RestartBrokerAsync() => _server.RestartAsync();

    protected override Task BreakConnectionsAsync() => _place.Host.CloseConnectionsAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
        foreach (var wire in _wires)
            await wire.DisposeAsync();
    }

    /// <summary>A broker that only these tests kill.</summary>
    public sealed class Broker : IAsyncLifetime
    {
        internal RabbitServer Server { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Server = await RabbitServer.StartAsync(new());

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
