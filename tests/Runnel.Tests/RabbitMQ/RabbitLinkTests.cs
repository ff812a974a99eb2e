using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>A connection that is made anew when it is lost, and what those get who wait for it.</summary>
public sealed class RabbitLinkTests(SharedRabbitServer server) : IAsyncLifetime
{
    private RabbitPlace _place = null!;
    private TcpWire _wire = null!;
    private RabbitMQBroker _broker = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _wire = TcpWire.To((await server.Server).Port);
        _broker = _place.Open(options => options.Host = _place.Host.AddressAt(_wire.Port));
    }

    public async ValueTask DisposeAsync()
    {
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }

    [Fact]
    public async Task Who_asks_for_a_connection_that_was_just_lost_gets_the_next_one()
    {
        for (var losses = 0; losses < 10; losses++)
        {
            var before = await Wait.For(_broker.GetConnectionAsync().AsTask(), "the connection");

            _wire.Reset();
            await Wait.Until(() => !before.IsOpen, "it is lost");
            var after = await Wait.For(_broker.GetConnectionAsync().AsTask(), "the next one");

            Assert.NotSame(before, after);
        }
    }

    [Fact]
    public async Task A_connection_that_cannot_be_restored_is_closed()
    {
        IConnection made = null!;
        await using var link = new RabbitLink(_broker, "is tested", (connection, _) =>
        {
            made = connection;
            throw new InvalidOperationException("The test lets it fail.");
        });

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(link.OpenAsync(CancellationToken.None), "the failure"));

        Assert.False(made.IsOpen);
    }

    [Fact]
    public async Task Why_there_was_no_connection_is_forgotten_when_there_is_one()
    {
        _wire.Cut();
        await using var link = new RabbitLink(_broker, "is tested");
        link.Begin();
        await Wait.Until(() => link.Failure is not null, "it could not be made");

        _wire.Heal();
        await Wait.Until(() => link.Current is not null, "it is there");

        Assert.Null(link.Failure);
    }

    [Fact]
    public async Task Who_waits_for_a_connection_is_told_of_the_end()
    {
        var options = new RabbitMQOptions { Host = $"amqp://127.0.0.1:{LoopbackPort.Free()}", OutageTimeout = TimeSpan.FromMinutes(10) };
        await using var broker = new RabbitMQBroker(options, TimeProvider.System, NullLogger<RabbitMQBroker>.Instance);
        var link = new RabbitLink(broker, "is tested");
        var waiting = link.GetAsync(CancellationToken.None).AsTask();

        await link.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(waiting, "the end"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => link.OpenAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Who_asks_for_a_connection_after_the_end_is_told_so_at_once()
    {
        var link = new RabbitLink(_broker, "is tested");
        await link.OpenAsync(CancellationToken.None);

        await link.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => link.GetAsync(CancellationToken.None).AsTask());
    }
}
