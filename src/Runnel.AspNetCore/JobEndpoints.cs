using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore;

/// <summary>Jobs over HTTP: the state, the states as they come, and an end.</summary>
internal sealed class JobEndpoints(JobsEndpointOptions options, IJobs jobs, IHostApplicationLifetime lifetime)
{
    public static void Map(RouteGroupBuilder group, Lazy<JobEndpoints> jobs)
    {
        group.MapGet("/{id}", (Delegate)((HttpContext context) => jobs.Value.GetAsync(context)));
        group.MapGet("/{id}/events", (HttpContext context, CancellationToken cancellationToken) => jobs.Value.EventsAsync(context, cancellationToken));
        group.MapDelete("/{id}", (HttpContext context, CancellationToken cancellationToken) => jobs.Value.CancelAsync(context, cancellationToken));
    }

    /// <summary>The job that the request asks for.</summary>
    /// <returns><see langword="null"/> when there is none, or the user may not see it.</returns>
    public async ValueTask<JobStatus?> FindAsync(HttpContext context)
    {
        if (!MessageId.TryParse(context.GetRouteValue("id") as string, out var id))
            return null;
        var status = await jobs.FindAsync(id, context.RequestAborted);
        return status is not null && await options.MaySee(context, status) ? status : null;
    }

    /// <summary>The answer for a job that there is not.</summary>
    public static IResult NotFound(HttpContext context) => TypedResults.Problem(
        $"There is no job '{context.GetRouteValue("id")}', or its state is no longer kept.", statusCode: StatusCodes.Status404NotFound, title: "No such job");

    private async Task<IResult> GetAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return await FindAsync(context) is { } status ? TypedResults.Ok(status) : NotFound(context);
    }

    private async Task<IResult> EventsAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (await FindAsync(context) is not { } status)
            return NotFound(context);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold small events back
        return TypedResults.ServerSentEvents(StatesAsync(status, cancellationToken));
    }

    private async IAsyncEnumerable<SseItem<JobStatus>> StatesAsync(JobStatus status, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A server that stops waits for its requests, and a job may take hours.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        _ = MessageId.TryParse(status.Id, out var id);
        await using var states = jobs.WatchAsync(id, over.Token).GetAsyncEnumerator(over.Token);
        while (await MoveNextAsync(states, lifetime.ApplicationStopping))
            yield return new SseItem<JobStatus>(states.Current, "state");
    }

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<JobStatus> states, CancellationToken stopping)
    {
        try
        {
            return await states.MoveNextAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return false; // the client asks another node, or this one when it is back
        }
    }

    private async Task<IResult> CancelAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (await FindAsync(context) is not { } status)
            return NotFound(context);
        if (!await options.MayCancel(context, status))
            return TypedResults.Problem("You may see this job, but not cancel it.", statusCode: StatusCodes.Status403Forbidden);
        if (status.IsFinal)
            return TypedResults.Problem($"The job has ended already: it is {status.State.ToString().ToLowerInvariant()}.", statusCode: StatusCodes.Status409Conflict);
        _ = MessageId.TryParse(status.Id, out var id);
        await jobs.CancelAsync(status.Channel, id, cancellationToken);
        return await jobs.FindAsync(id, cancellationToken) is { IsFinal: true } ended ? TypedResults.Ok(ended) : TypedResults.Accepted((string?)null, status);
    }
}
