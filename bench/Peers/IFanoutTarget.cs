using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>One way to send a message to every connection of a group.</summary>
internal interface IFanoutTarget
{
    void AddServices(IServiceCollection services);

    /// <summary>Maps the endpoint at <see cref="FanoutTargets.PathOf"/>; every connection joins the one group.</summary>
    void Map(WebApplication app);

    /// <summary>Sends to all, waiting for what a user of this target would wait for.</summary>
    Task PublishAsync(string message);
}
