using System.CommandLine;
using System.Globalization;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.Cli;

/// <summary><c>runnel jobs</c>: shows, follows and cancels the jobs of channels that track theirs.</summary>
internal static class JobsCommand
{
    public static Command Create(SharedOptions shared) => new("jobs", "Shows, follows and cancels jobs.") { Show(shared), Cancel(shared) };

    private static Command Show(SharedOptions shared)
    {
        var id = Inputs.Id("The job's id, which is that of its message.");
        var channel = Inputs.ChannelOption("The channel of the job.");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the job has ended; then the exit code says whether it succeeded." };
        var command = new Command("show", "Shows a job's present state. Its channel has to track its jobs.") { id, channel, follow };
        shared.Act(command, run => ShowAsync(run, run.Parsed.GetValue(id), run.Parsed.GetValue(channel), run.Parsed.GetValue(follow)));
        return command;
    }

    private static Command Cancel(SharedOptions shared)
    {
        var id = Inputs.Id("The job's id, which is that of its message.");
        var channel = Inputs.ChannelOption("The channel of the job. You must name it if the channel does not track its jobs.");
        var command = new Command("cancel", "Takes back a job that waits, and tells the consumer of one that runs to stop.") { id, channel };
        shared.Act(command, run => CancelAsync(run, run.Parsed.GetValue(id), run.Parsed.GetValue(channel)));
        return command;
    }

    private static async Task ShowAsync(CommandRun run, MessageId id, ChannelName? channel, bool follow)
    {
        var status = await run.Layer.Jobs.FindAsync(id, run.Interrupted);
        if (status is null || (channel is not null && status.Channel != channel.Value.Value))
            throw new ToolException($"There is no job {id}{(channel is null ? "" : $" on channel '{channel}'")}, or its channel does not track its jobs, or its state is no longer kept.");
        if (follow)
            status = await FollowAsync(run, id, status);

        run.Screen.Answer(DocumentOf(status), () => run.Screen.Details(
        [
            ("id", status.Id), ("channel", status.Channel), ("state", ToolJson.NameOf(status.State)), ("progress", Percent(status.Progress)), ("text", status.Text),
            ("attempt", $"{status.Attempt}"), ("error", status.ErrorDetail ?? status.Error), ("owner", status.Owner), ("tags", status.Tags.Count == 0 ? null : string.Join(", ", status.Tags)),
            ("result", status.Result?.GetRawText()), ("created", $"{status.CreatedAt:u}"), ("updated", $"{status.UpdatedAt:u}"),
        ]));
        if (follow && status.State != JobState.Succeeded)
            throw new ToolException($"Job {id} did not succeed: it is {ToolJson.NameOf(status.State)}.");
    }

    private static Task<JobStatus> FollowAsync(CommandRun run, MessageId id, JobStatus present)
    {
        if (run.Screen.IsWatched)
            return run.Screen.WithBarAsync(LabelOf(present), report => WatchAsync(run, id, present, status => report(status.Progress, LabelOf(status))));
        return WatchAsync(run, id, present, status =>
        {
            if (!run.Screen.IsJson)
                run.Screen.Line($"{status.UpdatedAt:u}  {LabelOf(status)}  {Percent(status.Progress)}".TrimEnd());
        });
    }

    private static async Task<JobStatus> WatchAsync(CommandRun run, MessageId id, JobStatus present, Action<JobStatus> onStatus)
    {
        await foreach (var status in run.Layer.Jobs.WatchAsync(id, run.Interrupted))
            onStatus(present = status);
        return present;
    }

    private static async Task CancelAsync(CommandRun run, MessageId id, ChannelName? channel)
    {
        var status = await run.Layer.Jobs.FindAsync(id, run.Interrupted);
        if (status is { IsFinal: true })
            throw new ToolException($"Job {id} cannot be cancelled any more: it is {ToolJson.NameOf(status.State)}.");
        ChannelName on = channel
            ?? status?.Channel
            ?? throw new ToolException($"There is no state of a job {id}. If its channel does not track its jobs, name the channel with --channel.");

        run.Layer.Declare(on);
        var takenBack = await run.Layer.Jobs.CancelAsync(on, id, run.Interrupted);

        run.Screen.Answer(new { Id = id.ToString(), Channel = on.Value, Cancelled = takenBack, Requested = !takenBack }, () => run.Screen.Line(takenBack
            ? $"Job {id} was taken back from channel '{on}'."
            : $"Job {id} does not wait on channel '{on}'. If a worker has it, the worker was told to stop it."));
    }

    // The operator sees what clients do not.
    private static object DocumentOf(JobStatus status) => new
    {
        status.Id, status.Channel, status.State, status.Progress, status.Text, status.Attempt, Error = status.ErrorDetail ?? status.Error, status.Result,
        status.Owner, status.Tags, status.CreatedAt, status.UpdatedAt, status.ExpiresAt,
    };

    private static string LabelOf(JobStatus status) => status.Text is null ? ToolJson.NameOf(status.State) : $"{ToolJson.NameOf(status.State)}: {status.Text}";

    private static string? Percent(double? progress) => progress?.ToString("P0", CultureInfo.InvariantCulture);
}
