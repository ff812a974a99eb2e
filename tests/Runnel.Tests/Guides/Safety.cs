using Guides.Groups;
using Guides.Readme;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Runnel;
using Runnel.AspNetCore;

namespace Guides.Safety;

public static class Mapping
{
    public static void Map(WebApplication app)
    {
        // <safety-origins>
        app.MapConsumer<NewsConsumer>("/ws/news", options => options.AllowedOrigins.Add("https://*.shop.example"));
        // </safety-origins>

        // <safety-limits>
        app.MapConsumer<NewsConsumer>("/ws/headlines", options =>
        {
            options.MaxMessageBytes = 64 * 1024;
            options.MaxMessagesPerSecond = 20;
            options.MaxMessageBurst = 40;
            options.Outbound.MaxBytes = 256 * 1024;
            options.Outbound.Policy = OutboundPolicy.LatestOnly;
        });
        // </safety-limits>

        // <health-map>
        app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
        app.MapHealthChecks("/health/live", new() { Predicate = _ => false });
        // </health-map>

        // <safety-authorization>
        app.MapConsumer<OrdersConsumer>("/ws/orders").RequireAuthorization();
        // </safety-authorization>
    }

    public static void Configure(WebApplicationBuilder builder)
    {
        // <groups-bursts>
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        // </groups-bursts>

        // <safety-node>
        builder.Services.Configure<GatewayOptions>(gateway =>
        {
            gateway.MaxConnections = 20_000;
            gateway.MaxConnectionsPerAddress = 100;
        });
        // </safety-node>

        // <shutdown>
        builder.Services.AddRunnel(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.Services.Configure<GatewayOptions>(gateway =>
        {
            gateway.DrainDelay = TimeSpan.FromSeconds(5);
            gateway.DrainTime = TimeSpan.FromSeconds(20);
            gateway.ReconnectWindow = TimeSpan.FromSeconds(4);
        });
        // </shutdown>

        // <keep-alive>
        builder.Services.Configure<GatewayOptions>(gateway =>
        {
            gateway.KeepAliveInterval = TimeSpan.FromSeconds(15);
            gateway.KeepAliveTimeout = TimeSpan.FromSeconds(45);
            gateway.CloseTimeout = TimeSpan.FromSeconds(3);
        });
        // </keep-alive>

        // <health-add>
        builder.Services.AddHealthChecks().AddRunnel();
        // </health-add>
    }
}
