using System.CommandLine;
using System.Globalization;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel channels</c>: what each channel holds.</summary>
internal static class ChannelsCommand
{
    private const string NotTold = "–";

    public static Command Create(SharedOptions shared)
    {
        var command = new Command("channels", "Lists the channels that hold anything: how much, how old, in whose hands.");
        shared.Act(command, ListAsync);
        return command;
    }

    private static async Task ListAsync(CommandRun run)
    {
        var now = TimeProvider.System.GetUtcNow();
        var isFull = run.Layer.Queue.Features.HasFlag(WorkQueueFeatures.FullStatus);
        var channels = (await run.Layer.Operator.ListChannelsAsync(run.Interrupted)).Select(status => Row.Of(status, now, isFull)).ToList();
        run.Screen.Answer(channels, () =>
        {
            if (channels.Count > 0)
                run.Screen.Table(["Channel", "Depth#", "Ready#", "Scheduled#", "Blocked#", "Age#", "In flight#", "Dead#"], channels.Select(channel => channel.Cells(isFull)));
            else
                run.Screen.Remark(isFull ? "The channels hold nothing." : "No channel has ready messages or dead letters.");
            if (!isFull)
                run.Screen.Remark($"This layer tells only how many messages are ready and how many are dead letters. It does not tell what is marked with {NotTold}: scheduled messages, those in workers' hands, and how old they are.");
        });
    }

    private sealed record Row(string Channel, long? Depth, long Ready, long? Scheduled, long? Blocked, long? InFlight, long Dead, DateTimeOffset? OldestReady, double? AgeSeconds)
    {
        public static Row Of(ChannelStatus status, DateTimeOffset now, bool isFull) => isFull
            ? new(
                status.Channel.Value, status.Ready + status.Scheduled + status.Blocked, status.Ready, status.Scheduled, status.Blocked, status.InFlight, status.Dead,
                status.OldestReady, status.OldestReady is { } sent ? Math.Max(0, (now - sent).TotalSeconds) : null)
            : new(status.Channel.Value, null, status.Ready, null, null, null, status.Dead, null, null);

        public IEnumerable<string?> Cells(bool isFull) =>
        [
            Channel, Number(Depth), Number(Ready), Number(Scheduled), Number(Blocked),
            AgeSeconds is { } age ? Duration.Describe(TimeSpan.FromSeconds(age)) : isFull ? null : NotTold, Number(InFlight), Number(Dead),
        ];

        private static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? NotTold;
    }
}
