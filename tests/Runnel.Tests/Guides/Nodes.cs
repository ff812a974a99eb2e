using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel;

namespace Guides.Nodes;

// <nodes-watch>
public sealed partial class NodeLog(INodes nodes, ILogger<NodeLog> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var change in nodes.WatchAsync(stoppingToken))
            Changed(change.Kind, change.Node.Address, change.Node.Roles);
    }

    [LoggerMessage(1, LogLevel.Information, "{Kind}: {Address} ({Roles})")]
    private partial void Changed(NodeChangeKind kind, string address, NodeRoles roles);
}
// </nodes-watch>

public static class Mapping
{
    public static void Configure(WebApplicationBuilder builder)
    {
        // <nodes-options>
        builder.Services.AddRunnel(options =>
        {
            options.NodeLease = TimeSpan.FromSeconds(10);
            options.NodeAddress = "shop-web-1";
        });
        // </nodes-options>
    }

    public static void Map(WebApplication app)
    {
        // <nodes-list>
        app.MapGet("/nodes", (INodes nodes) => nodes.All);
        // </nodes-list>
    }
}
