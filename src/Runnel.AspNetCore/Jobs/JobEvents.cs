using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Admission;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore.Jobs;

/// <summary>A job's states as server-sent events: the present one, each later one, and a comment now and then while there is none.</summary>
/// <remarks>A stream counts as a connection, like a socket. Its events have ids, so that a browser that has seen the end is told to stay away (204).</remarks>
internal sealed class JobEvents(
    IJobs jobs, ConnectionLimits limits, RefusalLog refusals, IOptions<GatewayOptions> gateway, Drain drain, TimeProvider timeProvider, ILogger<JobEvents> logger)
{
    private static readonly byte[] Heartbeat = ":\n\n"u8.ToArray();

    /// <summary>Answers a request for the states of this job, which its user may see.</summary>
    public async Task HandleAsync(HttpContext context, JobStatus status)
    {
        if (status.IsFinal && context.Request.Headers["Last-Event-ID"] == EventIdOf(status))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        if (drain.Closing.IsCancellationRequested)
        {
            await Refusal.StoppingAsync(context);
            return;
        }
        var address = context.Connection.RemoteIpAddress;
        var admission = limits.TryEnter(address);
        if (admission != ConnectionAdmission.Admitted)
        {
            await Refusal.NoRoomAsync(context, admission, refusals);
            return;
        }
        try
        {
            await StreamAsync(context, status);
        }
        finally
        {
            limits.Leave(address);
        }
    }

    private async Task StreamAsync(HttpContext context, JobStatus status)
    {
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout(); // a job may take hours
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold small events back

        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        _ = MessageId.TryParse(status.Id, out var id);
        await using var states = jobs.WatchAsync(id, over.Token).GetAsyncEnumerator(CancellationToken.None);
        using var beats = new PeriodicTimer(gateway.Value.KeepAliveInterval, timeProvider);
        var next = states.MoveNextAsync().AsTask();
        var leave = drain.OpenStream(); // a server that stops waits for its requests
        try
        {
            for (var beat = BeatAsync(beats); ;)
            {
                var first = await Task.WhenAny(next, beat, leave.Task);
                if (first == leave.Task)
                {
                    await context.Response.BodyWriter.WriteAsync(Advice(), over.Token);
                    return;
                }
                if (first == beat)
                {
                    await context.Response.BodyWriter.WriteAsync(Heartbeat, over.Token);
                    beat = BeatAsync(beats);
                    continue;
                }
                if (!await next)
                    return;
                await context.Response.BodyWriter.WriteAsync(EventOf(states.Current), over.Token);
                next = states.MoveNextAsync().AsTask();
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The client has seen enough.
        }
        catch (Exception exception) when (exception is not OperationCanceledException && context.Response.HasStarted)
        {
            Log.FollowingFailed(logger, exception, id);
            context.Abort(); // cut and not ended: the client comes back
        }
        finally
        {
            drain.CloseStream(leave);
            await over.CancelAsync();
            await next.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private static async Task BeatAsync(PeriodicTimer beats) => await beats.WaitForNextTickAsync();

    // When the client is to come back. Browsers keep to it.
    private byte[] Advice() => Encoding.UTF8.GetBytes($"retry: {Random.Shared.Next((int)gateway.Value.ReconnectWindow.TotalMilliseconds + 1)}\n\n");

    private static byte[] EventOf(JobStatus status) =>
        Encoding.UTF8.GetBytes($"event: state\nid: {EventIdOf(status)}\ndata: {JsonSerializer.Serialize(status, JsonSerializerOptions.Web)}\n\n");

    private static string EventIdOf(JobStatus status) => status.UpdatedAt.UtcTicks.ToString(CultureInfo.InvariantCulture);
}
