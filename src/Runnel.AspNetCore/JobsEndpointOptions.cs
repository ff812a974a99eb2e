using Microsoft.AspNetCore.Http;
using Runnel.Workers;

namespace Runnel.AspNetCore;

/// <summary>Who may see and cancel jobs over HTTP.</summary>
public sealed class JobsEndpointOptions
{
    /// <summary>Whether the user of a request may see a job. To one who may not, the job does not exist (404).</summary>
    /// <value>Everybody who passes the endpoint's own authorization, by default. A job's id is not guessable.</value>
    public Func<HttpContext, JobStatus, ValueTask<bool>> MaySee { get; set; } = static (_, _) => ValueTask.FromResult(true);

    /// <summary>Whether the user of a request that may see a job may also cancel it; otherwise the answer is 403.</summary>
    /// <value>Everybody who may see it, by default.</value>
    public Func<HttpContext, JobStatus, ValueTask<bool>> MayCancel { get; set; } = static (_, _) => ValueTask.FromResult(true);
}
