using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisOutageTests(RedisServer server) : OutageSpecification, IClassFixture<RedisServer>
{
    private readonly string _prefix = $"test-{Guid.NewGuid():N}"[..24];
    private readonly List<IAsyncDisposable> _parts = [];

    protected override async ValueTask<WiredBackplane> OpenAsync(int buffer, int bytes, TimeSpan patience)
    {
        var wire = TcpWire.To(server.Port);
        var options = new RedisOptions
        {
            Address = server.AddressAt(wire.Port),
            Prefix = _prefix,
            OutageBuffer = buffer,
            OutageBufferBytes = bytes,
        };
        var store = new RedisStore(options, TimeProvider.System, NullLogger<RedisStore>.Instance);
        var backplane = new RedisBackplane(store);
        _parts.AddRange([store, wire]);
        await store.OpenAsync();
        (options.Timeout, options.OutageTimeout) = (TimeSpan.FromSeconds(1), patience); // not before, since a busy machine may need longer for the start
        return new WiredBackplane(backplane, wire.Cut, () => wire.Silence(), wire.Heal);
    }

    protected override Task KillBrokerAsync() => server.KillAsync();

    protected override Task RestartBrokerAsync() => server.RestartAsync();

    protected override Task BreakConnectionsAsync()
    {
        using var probe = server.Connect();
        probe.KillClients();
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var part in _parts)
            await part.DisposeAsync();
    }
}
