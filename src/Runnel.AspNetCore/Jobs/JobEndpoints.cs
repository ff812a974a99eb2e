using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore.Jobs;

/// <summary>Jobs over HTTP: the state, the states as they come, and an end.</summary>
internal sealed class JobEndpoints(JobsEndpointOptions options, IJobs jobs, ChannelRegistry channels, JobEvents events)
{
    public static void Map(RouteGroupBuilder group, Lazy<JobEndpoints> jobs)
    {
        group.MapGet("/{id}", (Delegate)((HttpContext context) => jobs.Value.GetAsync(context)));
        group.MapGet("/{id}/events", (HttpContext context) => jobs.Value.EventsAsync(context));
        group.MapDelete("/{id}", (HttpContext context, CancellationToken cancellationToken) => jobs.Value.CancelAsync(context, cancellationToken));
    }

    /// <summary>The job that the request asks for.</summary>
    /// <returns><see langword="null"/> when there is no such job, or the user may not see it.</returns>
    public async ValueTask<JobStatus?> FindAsync(HttpContext context)
    {
        if (!MessageId.TryParse(context.GetRouteValue("id") as string, out var id))
            return null;
        var status = await jobs.FindAsync(id, context.RequestAborted);
        return status is not null && await options.MaySee(context, status) ? status : null;
    }

    /// <summary>The answer if there is no such job.</summary>
    public static IResult NotFound(HttpContext context) => TypedResults.Problem(
        MessageId.TryParse(context.GetRouteValue("id") as string, out var id) ? $"There is no job '{id}', or its state is no longer kept." : "This is not a job's id.", statusCode: StatusCodes.Status404NotFound, title: "No such job");

    private async Task<IResult> GetAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return await FindAsync(context) is { } status ? TypedResults.Ok(status) : NotFound(context);
    }

    private async Task EventsAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } status)
            await events.HandleAsync(context, status);
        else
            await NotFound(context).ExecuteAsync(context);
    }

    private async Task<IResult> CancelAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (await FindAsync(context) is not { } status)
            return NotFound(context);
        if (!await options.MayCancel(context, status))
            return TypedResults.Problem("You may see this job, but not cancel it.", statusCode: StatusCodes.Status403Forbidden);
        if (!channels.OptionsOf(status.Channel).Cancellable)
        {
            context.Response.Headers.Allow = HttpMethods.Get;
            return TypedResults.Problem($"Jobs of channel '{status.Channel}' cannot be cancelled.", statusCode: StatusCodes.Status405MethodNotAllowed);
        }
        if (status.IsFinal)
            return EndedAlready(status);
        _ = MessageId.TryParse(status.Id, out var id);
        await jobs.CancelAsync(status.Channel, id, cancellationToken);
        return await jobs.FindAsync(id, cancellationToken) switch
        {
            { State: JobState.Cancelled } cancelled => TypedResults.Ok(cancelled),
            { IsFinal: true } ended => EndedAlready(ended), // in the meantime
            _ => TypedResults.Accepted((string?)null, status),
        };
    }

    private static ProblemHttpResult EndedAlready(JobStatus status) =>
        TypedResults.Problem($"The job has ended already: it is {status.State.ToString().ToLowerInvariant()}.", statusCode: StatusCodes.Status409Conflict);
}
