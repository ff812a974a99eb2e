using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using Runnel.RabbitMQ;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What a process makes of its options, and what it says of the broker that it is connected to.</summary>
public sealed class RabbitMQBrokerTests(SharedRabbitServer server)
{
    [Fact]
    public void Options_of_TLS_for_an_address_without_it_are_refused_with_a_sentence()
    {
        var refusal = Assert.Throws<FormatException>(() => NewBroker(new RabbitMQOptions { Host = "amqp://broker", Ssl = new SslOption() }));

        Assert.Contains("such an address begins with amqps://", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_capacities_are_larger_on_the_own_wire_than_on_Djangos()
    {
        var (own, django) = (new RabbitMQOptions(), new RabbitMQOptions { Wire = RabbitMQWire.Django });

        Assert.Equal((2_000, 100_000), (own.MostLocal, own.MostRemote));
        Assert.Equal((100, 100), (django.MostLocal, django.MostRemote));
    }

    [Fact]
    public async Task Processes_with_the_same_virtual_host_and_prefix_have_the_same_data_and_no_others()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var elsewhere = await RabbitPlace.CreateAsync(server);

        var identity = await IdentityOfAsync(place.Open());

        Assert.Equal(identity, await IdentityOfAsync(place.Open()));
        Assert.NotEqual(identity, await IdentityOfAsync(place.Open(options => options.Prefix = "shop")));
        Assert.NotEqual(identity, await IdentityOfAsync(elsewhere.Open()));
    }

    [Fact]
    public async Task An_application_finds_the_connection_of_its_layer_and_is_told_if_there_is_none()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        var connections = new RabbitMQConnections();

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(async () => await connections.GetConnectionAsync());
        await using var layer = new RabbitMQLayerFactory(configure: null, connections).Create(place.Host.Address, TimeProvider.System, NullLoggerFactory.Instance);
        await layer.OpenAsync();

        Assert.StartsWith("This application has no connection to RabbitMQ", refusal.Message, StringComparison.Ordinal);
        Assert.True((await connections.GetConnectionAsync()).IsOpen);
    }

    private static Task<string> IdentityOfAsync(RabbitMQBroker broker) => broker.GetIdentityAsync(CancellationToken.None);

    private static RabbitMQBroker NewBroker(RabbitMQOptions options) => new(options, TimeProvider.System, NullLogger<RabbitMQBroker>.Instance);
}
