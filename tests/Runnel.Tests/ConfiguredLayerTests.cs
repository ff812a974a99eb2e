using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Runnel.InMemory;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public sealed class ConfiguredLayerTests
{
    private readonly FakeLayerFactory _factory = new();

    [Fact]
    public async Task A_factory_that_code_configured_makes_the_layers_of_its_scheme()
    {
        await using var services = Services(layer => layer.Address = "Redis://cache");

        var backplane = services.GetRequiredService<IBackplane>();

        Assert.IsType<InMemoryBackplane>(backplane);
        Assert.Equal(["Redis://cache"], _factory.Addresses);
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("Runnel:Layer")]
    public async Task Configuration_changes_the_address_and_the_factory_stays(string key)
    {
        await using var services = Services(layer => layer.Address = "redis://cache", (key, "redis://another"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Equal(["redis://another"], _factory.Addresses);
    }

    [Fact]
    public async Task A_layer_of_another_scheme_is_made_by_its_own_factory()
    {
        await using var services = Services(layer => layer.Address = "redis://cache", ("layer", "memory:"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Empty(_factory.Addresses);
    }

    private ServiceProvider Services(Action<LayerOptions> configure, params (string Key, string Value)[] configuration)
    {
        var values = configuration.ToDictionary(pair => pair.Key, pair => (string?)pair.Value);
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        services.AddRunnelCore().Services.Configure(configure).Configure<LayerOptions>(layer => layer.Factories["redis"] = _factory);
        return services.BuildServiceProvider();
    }
}
