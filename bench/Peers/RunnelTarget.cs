using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore;

namespace Runnel.Bench;

/// <summary>Runnel's endpoint on a layer, a group without history, each send awaited.</summary>
internal sealed class RunnelTarget(string layer) : IFanoutTarget
{
    private IGroups? _groups;

    public void AddServices(IServiceCollection services)
    {
        services.AddRunnel().UseLayer(layer);
        // The one setting that is not the default: all clients of a benchmark have the same address.
        services.Configure<GatewayOptions>(gateway => gateway.MaxConnectionsPerAddress = gateway.MaxConnections);
    }

    public void Map(WebApplication app)
    {
        app.MapConsumer<BenchConsumer>(FanoutTargets.PathOf(FanoutTargets.Runnel));
        _groups = app.Services.GetRequiredService<IGroups>();
    }

    public Task PublishAsync(string message) => _groups!.SendAsync(BenchConsumer.Group, message).AsTask();
}
