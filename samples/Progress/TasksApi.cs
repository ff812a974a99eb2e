using System.Security.Claims;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.HttpResults;
using Runnel;
using Runnel.Layers;
using Runnel.Workers;

namespace Progress;

/// <summary>Tasks over HTTP: started here, followed at <c>/jobs/{id}</c>.</summary>
internal static class TasksApi
{
    public static void MapTasksApi(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/tasks", StartAsync);
        app.MapPost("/api/polled-tasks", StartPolledAsync);
        app.MapGet("/api/tasks", ListAsync);
    }

    private static Task<Accepted<StartedTask>> StartAsync(
        SteppedTask task, ClaimsPrincipal user, IChannels channels, RecentTasks recent, CancellationToken cancellationToken) =>
        SendAsync("tasks", task, user, channels, recent, cancellationToken);

    private static Task<Accepted<StartedTask>> StartPolledAsync(
        PolledTaskInput input, ClaimsPrincipal user, IChannels channels, RecentTasks recent, IConfiguration configuration, IServer server, CancellationToken cancellationToken) =>
        SendAsync("polled-tasks", new PolledTask(input.Seconds, Backend.AddressOf(configuration, server)), user, channels, recent, cancellationToken);

    private static async Task<IReadOnlyList<JobStatus>> ListAsync(ClaimsPrincipal user, RecentTasks recent, CancellationToken cancellationToken) =>
        await recent.StatesAsync(await recent.ListAsync(Visitor.Of(user), cancellationToken), cancellationToken);

    private static async Task<Accepted<StartedTask>> SendAsync<T>(
        ChannelName channel, T message, ClaimsPrincipal user, IChannels channels, RecentTasks recent, CancellationToken cancellationToken)
    {
        // The owner is in the job's state: MapJobs shows the job to nobody else.
        var visitor = Visitor.Of(user);
        var sent = await channels.SendAsync(channel, message, new SendOptions { Owner = visitor }, cancellationToken);
        await recent.AddAsync(visitor, sent.Id, CancellationToken.None); // the task is on its way, whether or not its client still waits
        return TypedResults.Accepted($"/jobs/{sent.Id}", new StartedTask(sent.Id.ToString()));
    }
}

/// <summary>What a client gets for a task.</summary>
internal sealed record StartedTask(string Id);
