using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore;

namespace Guides.Deployment;

public static class Program
{
    public static void Configure(WebApplicationBuilder builder)
    {
        // <deployment-keys>
        builder.Services.AddDataProtection().SetApplicationName("shop").PersistKeysToFileSystem(new DirectoryInfo("/var/lib/shop/keys"));
        // </deployment-keys>

        // <deployment-options>
        builder.Services.Configure<GatewayOptions>(builder.Configuration.GetSection("Gateway"));
        // </deployment-options>
    }

    public static void Map(WebApplication app)
    {
        // <deployment-depths>
        app.MapChannelDepths("/metrics/channels").AddEndpointFilter((call, next) =>
            call.HttpContext.Connection.LocalPort == 9090 ? next(call) : ValueTask.FromResult<object?>(TypedResults.NotFound()));
        // </deployment-depths>
    }
}
