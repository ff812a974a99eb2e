using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public sealed class ConfiguredLayerTests
{
    [Fact]
    public async Task A_factory_that_code_configured_makes_the_layers_of_its_scheme()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "Redis://cache");

        var backplane = services.GetRequiredService<IBackplane>();

        Assert.IsType<InMemoryBackplane>(backplane);
        Assert.Equal(["Redis://cache"], factory.Addresses);
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("Runnel:Layer")]
    public async Task Configuration_changes_the_address_and_the_factory_stays(string key)
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", (key, "redis://another"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Equal(["redis://another"], factory.Addresses);
    }

    [Fact]
    public async Task A_layer_of_another_scheme_is_made_by_its_own_factory()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", ("layer", "memory:"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Empty(factory.Addresses);
    }

    [Fact]
    public async Task An_application_opens_its_layer_once_and_before_anything_uses_it()
    {
        List<int> topics = [];
        await using var app = Application(new FakeLayerFactory
        {
            Open = async backplane =>
            {
                await Task.Yield();
                topics.Add(backplane.TopicCount);
            },
        });

        await app.Services.GetRequiredService<ConfiguredLayer>().OpenAsync();
        await app.StartAsync();

        Assert.Equal([0], topics);
        Assert.NotEqual(0, Assert.IsType<InMemoryBackplane>(app.Services.GetRequiredService<IBackplane>()).TopicCount);
    }

    [Fact]
    public async Task An_application_whose_layer_cannot_be_opened_does_not_start_and_says_why()
    {
        await using var app = Application(new FakeLayerFactory { Open = _ => throw new IOException("Nothing answers at 'cache'.") });

        var failure = await Assert.ThrowsAsync<IOException>(() => app.StartAsync());

        Assert.Equal("Nothing answers at 'cache'.", failure.Message);
    }

    private static ServiceProvider Services(FakeLayerFactory factory, string address, params (string Key, string Value)[] configuration)
    {
        var values = configuration.ToDictionary(pair => pair.Key, pair => (string?)pair.Value);
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        services.AddRunnelCore();
        Use(services, factory, address);
        return services.BuildServiceProvider();
    }

    private static WebApplication Application(FakeLayerFactory factory)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        builder.Services.AddRunnel();
        Use(builder.Services, factory, "redis://cache");
        return builder.Build();
    }

    private static void Use(IServiceCollection services, FakeLayerFactory factory, string address) => services.Configure<LayerOptions>(layer =>
    {
        layer.Address = address;
        layer.Factories["redis"] = factory;
    });
}
