using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What the code of an application says of its RabbitMQ, beside what its command line says.</summary>
public sealed class UseRabbitMQTests(SharedRabbitServer server) : IAsyncLifetime
{
    private RabbitVirtualHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await server.CreateHostAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("", "of-the-code")]
    [InlineData("?prefix=of-the-address", "of-the-address")]
    public async Task The_options_of_the_code_hold_for_whichever_broker_is_named_and_its_connection_is_found(string options, string prefix)
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([new("layer", _host.Address + options)]).Build());
        services.AddRunnelCore().UseRabbitMQ("amqp://elsewhere", of => (of.Host, of.Prefix) = ("amqp://not-looked-at", "of-the-code"));
        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredService<ConfiguredLayer>().OpenAsync();

        Assert.Equal($"{prefix}.groups", Assert.Single(await _host.ExchangesAsync()).Name);
        Assert.True((await provider.GetRequiredService<RabbitMQConnections>().GetConnectionAsync()).IsOpen);
    }

    [Theory]
    [InlineData(null, "of-the-groups")]
    [InlineData("of-the-queues", "of-the-queues")]
    public async Task The_options_of_the_groups_hold_for_the_queues_unless_those_have_their_own(string? prefix, string expected)
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseRabbitMQ("amqp://groups", of => of.Prefix = "of-the-groups").UseRabbitMQQueues("amqp://queues", prefix is null ? null : of => of.Prefix = prefix);
        await using var provider = services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptions<LayerOptions>>().Value;
        await using var layer = options.Factories["amqp"].Create(_host.Address, TimeProvider.System, NullLoggerFactory.Instance);

        await layer.OpenAsync();

        Assert.EndsWith($"/{expected}", await layer.Identity(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Same(options.Factories["amqp"], options.Factories["amqps"]);
        Assert.Equal(("amqp://groups", "amqp://queues"), (options.Address, options.QueueAddress));
    }

    [Fact]
    public async Task An_address_that_is_wrong_is_refused_when_the_application_starts()
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseRabbitMQ("rabbit://broker");
        await using var provider = services.BuildServiceProvider();

        var refusal = Assert.Throws<FormatException>(() => provider.GetRequiredService<IOptions<LayerOptions>>().Value);

        Assert.StartsWith("This is not the address of a RabbitMQ broker", refusal.Message, StringComparison.Ordinal);
    }
}
