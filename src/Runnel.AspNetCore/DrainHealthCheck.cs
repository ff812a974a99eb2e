using Microsoft.Extensions.Diagnostics.HealthChecks;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore;

/// <summary>Whether this node should get more clients.</summary>
internal sealed class DrainHealthCheck(Drain drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(drain.HasBegun
        ? new HealthCheckResult(context.Registration.FailureStatus, "This node is stopping. Send its clients to another one.")
        : HealthCheckResult.Healthy("This node takes connections."));
}
