using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>SignalR with its JSON protocol over WebSockets, a group, each send awaited.</summary>
internal sealed class SignalRTarget : IFanoutTarget
{
    private IHubContext<BenchHub>? _hub;

    public void AddServices(IServiceCollection services) =>
        // The one setting that is not the default: our clients do not ping, and would be cut after 30 s.
        services.AddSignalR(options => options.ClientTimeoutInterval = TimeSpan.FromHours(1));

    public void Map(WebApplication app)
    {
        app.MapHub<BenchHub>(FanoutTargets.PathOf(FanoutTargets.SignalR));
        _hub = app.Services.GetRequiredService<IHubContext<BenchHub>>();
    }

    public Task PublishAsync(string message) => _hub!.Clients.Group(BenchHub.GroupName).SendAsync("message", message);
}
