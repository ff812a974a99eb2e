using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>fanout</c>: what it costs to send a message to every connection of a group.</summary>
internal static class FanoutCommand
{
    public static Command Create()
    {
        var targets = CommandOptions.Targets();
        var connections = CommandOptions.Number("--connections", "Connections in the group", usual: 1_000, least: 1, most: 20_000);
        var rounds = CommandOptions.Number("--rounds", "Measured rounds", usual: 3, least: 1, most: 20);
        var seconds = CommandOptions.Number("--seconds", "Seconds of each pace in a round", usual: 5, least: 1, most: 60);
        var warmUp = CommandOptions.Number("--warm-up", "Seconds of each pace before each round", usual: 3, least: 1, most: 60);
        var file = CommandOptions.Out();

        var command = new Command("fanout", "Server CPU, latency and garbage per delivery: one message to all connections of a group.")
        {
            targets, connections, rounds, seconds, warmUp, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new FanoutSettings(
                result.GetRequiredValue(targets),
                result.GetValue(connections),
                result.GetValue(rounds),
                result.GetValue(seconds),
                result.GetValue(warmUp));
            FileDescriptors.Require(settings.Connections);
            var results = await FanoutRun.RunAsync(settings, cancellationToken);
            await FanoutTables.Of(results, settings).PublishAsync(result.GetValue(file));
        });
        return command;
    }
}
