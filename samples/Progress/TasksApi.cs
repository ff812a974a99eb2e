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

    private static Task<Accepted<StartedTask>> StartAsync(SteppedTask task, IChannels channels, RecentTasks recent, CancellationToken cancellationToken) =>
        SendAsync("tasks", task, channels, recent, cancellationToken);

    private static Task<Accepted<StartedTask>> StartPolledAsync(
        PolledTaskInput input, IChannels channels, RecentTasks recent, IConfiguration configuration, IServer server, CancellationToken cancellationToken) =>
        SendAsync("polled-tasks", new PolledTask(input.Seconds, Backend.AddressOf(configuration, server)), channels, recent, cancellationToken);

    private static async Task<IReadOnlyList<JobStatus>> ListAsync(RecentTasks recent, CancellationToken cancellationToken) =>
        await recent.StatesAsync(await recent.ListAsync(cancellationToken), cancellationToken);

    private static async Task<Accepted<StartedTask>> SendAsync<T>(
        ChannelName channel, T message, IChannels channels, RecentTasks recent, CancellationToken cancellationToken)
    {
        var sent = await channels.SendAsync(channel, message, cancellationToken: cancellationToken);
        await recent.AddAsync(sent.Id, CancellationToken.None); // the task is on its way, whether or not its client still waits
        return TypedResults.Accepted($"/jobs/{sent.Id}", new StartedTask(sent.Id.ToString()));
    }
}

/// <summary>What a client gets for a task.</summary>
internal sealed record StartedTask(string Id);
