using Microsoft.Extensions.Diagnostics.HealthChecks;
using Runnel.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Runnel's health check.</summary>
public static class RunnelHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that fails as soon as this node is told to stop, so that load balancers send it no more clients. It is for readiness: a node that stops is alive.</summary>
    /// <remarks><see cref="GatewayOptions.DrainDelay"/> says for how long the node still takes connections, which is the time that load balancers have to notice.</remarks>
    /// <example><code>
    /// builder.Services.AddHealthChecks().AddRunnel();
    /// app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
    /// </code></example>
    /// <param name="builder">The builder of <c>AddHealthChecks()</c>.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What it reports when it fails; <see cref="HealthStatus.Unhealthy"/> if <see langword="null"/>.</param>
    /// <param name="tags">The check's tags; <c>ready</c> if <see langword="null"/>.</param>
    public static IHealthChecksBuilder AddRunnel(
        this IHealthChecksBuilder builder, string name = "runnel", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<DrainHealthCheck>(name, failureStatus, tags ?? ["ready"]);
    }
}
