using System.CommandLine;
using System.Globalization;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel channels</c>: what each channel holds.</summary>
internal static class ChannelsCommand
{
    public static Command Create(SharedOptions shared)
    {
        var command = new Command("channels", "Lists the channels that hold anything: how much, how old, in whose hands.");
        shared.Act(command, ListAsync);
        return command;
    }

    private static async Task ListAsync(CommandRun run)
    {
        var now = TimeProvider.System.GetUtcNow();
        var channels = (await run.Layer.Operator.ListChannelsAsync(run.Interrupted)).Select(status => Row.Of(status, now)).ToList();
        run.Screen.Answer(channels, () =>
        {
            if (channels.Count == 0)
                run.Screen.Remark("The channels hold nothing.");
            else
                run.Screen.Table(["Channel", "Depth#", "Ready#", "Scheduled#", "Blocked#", "Age#", "In flight#", "Dead#"], channels.Select(channel => channel.Cells()));
        });
    }

    private sealed record Row(string Channel, long Depth, long Ready, long Scheduled, long Blocked, long InFlight, long Dead, DateTimeOffset? OldestReady, double? AgeSeconds)
    {
        public static Row Of(ChannelStatus status, DateTimeOffset now) => new(
            status.Channel.Value, status.Ready + status.Scheduled + status.Blocked, status.Ready, status.Scheduled, status.Blocked, status.InFlight, status.Dead,
            status.OldestReady, status.OldestReady is { } sent ? Math.Max(0, (now - sent).TotalSeconds) : null);

        public IEnumerable<string?> Cells() =>
        [
            Channel, Number(Depth), Number(Ready), Number(Scheduled), Number(Blocked),
            AgeSeconds is { } age ? Duration.Describe(TimeSpan.FromSeconds(age)) : null, Number(InFlight), Number(Dead),
        ];

        private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
    }
}
