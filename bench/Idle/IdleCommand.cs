using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>idle</c>: what a connection costs that only waits.</summary>
internal static class IdleCommand
{
    public static Command Create()
    {
        var targets = CommandOptions.Targets();
        var connections = CommandOptions.Number("--connections", "Connections in the group", usual: 5_000, least: 100, most: 20_000);
        var rounds = CommandOptions.Number("--rounds", "Measured rounds", usual: 3, least: 1, most: 20);
        var file = CommandOptions.Out();

        var command = new Command("idle", "Resident memory per idle connection in one group.") { targets, connections, rounds, file };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new IdleSettings(result.GetRequiredValue(targets), result.GetValue(connections), result.GetValue(rounds));
            FileDescriptors.Require(settings.Connections);
            var results = await IdleRun.RunAsync(settings, cancellationToken);
            await IdleTable.Of(results, settings).PublishAsync(result.GetValue(file));
        });
        return command;
    }
}
