using Guides.ChannelLayers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

public sealed class AddChannelLayerTests
{
    [Fact]
    public async Task An_application_sends_and_receives_through_the_layer_that_it_uses()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        Registration.Configure(builder);
        builder.Services.AddSingleton<Thermometer>().AddHostedService(services => services.GetRequiredService<Thermometer>());
        await using var app = builder.Build();
        await app.StartAsync(TestContext.Current.CancellationToken);
        var layer = app.Services.GetRequiredService<IChannelLayer>();
        var thermometer = app.Services.GetRequiredService<Thermometer>();

        // The service joins when it has started to run, so the station repeats itself until it is heard.
        await Wait.Until(async () =>
        {
            await Station.TellAsync(layer, TestContext.Current.CancellationToken);
            lock (thermometer.Shown)
                return thermometer.Shown.Contains("temperature");
        }, "the thermometer to show a temperature");

        Assert.Equal(1_000, app.Services.GetRequiredService<IOptions<ChannelLayerOptions>>().Value.Capacity);
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_capacity_of_nothing_is_refused_at_the_start()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddRunnel().AddChannelLayer(options => options.Capacity = 0);
        await using var app = builder.Build();

        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains(nameof(ChannelLayerOptions.Capacity), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_keeps_the_limits_of_the_specification_unless_told_otherwise()
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().AddRunnelWorkers().AddChannelLayer();
        await using var provider = services.BuildServiceProvider();
        var layer = provider.GetRequiredService<IChannelLayer>();
        for (var sent = 0; sent < 100; sent++)
            await layer.SendAsync("full", new Message("t", default), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<ChannelFullException>(async () => await layer.SendAsync("full", new Message("t", default), TestContext.Current.CancellationToken));
    }
}
