using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Recovery;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisRecoveryTests(RedisServer server) : RecoverySpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);
    private readonly List<IAsyncDisposable> _parts = [];

    protected override IBackplane Open() => Keep(new RedisBackplane(_place.Open()));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var part in _parts)
            await part.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_kill_of_Redis_while_messages_flow_costs_no_message_and_no_socket()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(there, "/ws");
        await client.ReceiveJoinedAsync();
        await SendAsync(here, 1, 100);
        var received = await ReceiveAsync(client, 100);

        await server.KillAsync();
        var sending = SendAsync(here, 101, 300);
        await server.RestartAsync();
        await sending;
        await SendAsync(here, 301, 400);
        received.AddRange(await ReceiveAsync(client, 300));

        Assert.Equal(Numbers(1, 400), received);
    }

    [Fact]
    public async Task A_wire_to_Redis_that_is_cut_four_times_costs_no_message_and_no_socket()
    {
        var wire = Keep(TcpWire.To(server.Port));
        var store = Keep(new RedisStore(
            new RedisOptions { Address = server.AddressAt(wire.Port), Prefix = _place.Prefix, Timeout = TimeSpan.FromSeconds(1) }, TimeProvider.System, NullLogger<RedisStore>.Instance));
        var (here, there) = (await StartAsync(), await StartAsync(Keep(new RedisBackplane(store))));
        var client = new GreetedClient();
        await client.ConnectAsync(there, "/ws");
        await client.ReceiveJoinedAsync();
        var received = new List<int>();

        for (var cut = 1; cut <= 4; cut++)
        {
            await SendAsync(here, 100 * cut - 99, 100 * cut - 50);
            received.AddRange(await ReceiveAsync(client, 50));
            wire.Cut();
            await SendAsync(here, 100 * cut - 49, 100 * cut);
            wire.Heal();
            received.AddRange(await ReceiveAsync(client, 50));
        }

        Assert.Equal(Numbers(1, 400), received);
    }

    private T Keep<T>(T part)
        where T : IAsyncDisposable
    {
        _parts.Insert(0, part);
        return part;
    }
}
