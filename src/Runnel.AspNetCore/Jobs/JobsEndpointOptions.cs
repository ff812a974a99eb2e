using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Runnel.Workers;

namespace Runnel.AspNetCore;

/// <summary>Who may see and cancel jobs over HTTP.</summary>
public sealed class JobsEndpointOptions
{
    /// <summary>Whether the user of a request may see a job. To one who may not, the job does not exist (404).</summary>
    /// <remarks>
    /// Decide by <see cref="JobStatus.Owner"/> and <see cref="JobStatus.Tags"/>, which the sender set in <see cref="SendOptions"/>.
    /// </remarks>
    /// <value>
    /// By default a job that has an owner is seen by the user with that id (the claim <see cref="ClaimTypes.NameIdentifier"/>), and one that has none by everybody who passes the
    /// endpoint's own authorization and knows its id, which cannot be guessed.
    /// </value>
    public Func<HttpContext, JobStatus, ValueTask<bool>> MaySee { get; set; } =
        static (context, job) => new(job.Owner is null || job.Owner == context.User.FindFirstValue(ClaimTypes.NameIdentifier));

    /// <summary>Whether the user of a request that may see a job may also cancel it; otherwise the answer is 403.</summary>
    /// <value>Everybody who may see it, by default.</value>
    public Func<HttpContext, JobStatus, ValueTask<bool>> MayCancel { get; set; } = static (_, _) => ValueTask.FromResult(true);
}
