using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.ChannelLayers;
using Runnel.Layers;

namespace Guides.ChannelLayers;

public static class Registration
{
    public static void Configure(WebApplicationBuilder builder)
    {
        // <channel-layer-register>
        builder.Services.AddRunnel().AddChannelLayer(layer => layer.Capacity = 1_000);
        // </channel-layer-register>
    }
}

// <channel-layer-receive>
public sealed class Thermometer(IChannelLayer layer) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var mine = await layer.NewChannelAsync("thermometer", stoppingToken);
        await layer.AddToGroupAsync("weather", mine, stoppingToken);
        try
        {
            while (true)
                Show(await layer.ReceiveAsync(mine, stoppingToken));
        }
        finally
        {
            await layer.RemoveFromGroupAsync("weather", mine, CancellationToken.None);
        }
    }

    // </channel-layer-receive>
    public List<string> Shown { get; } = [];

    private void Show(Message message)
    {
        lock (Shown)
            Shown.Add(message.Type);
    }
}

public static class Station
{
    public static async Task TellAsync(IChannelLayer layer, CancellationToken cancellationToken)
    {
        // <channel-layer-send>
        await layer.SendToGroupAsync("weather", new Message("temperature", "21.5"u8.ToArray()), cancellationToken);
        // </channel-layer-send>
    }
}
