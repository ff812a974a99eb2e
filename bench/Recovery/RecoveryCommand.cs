using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>recovery</c>: a client that loses its socket, its node or its broker misses nothing, or is told. Ends with 1 when that was not so.</summary>
internal static class RecoveryCommand
{
    public static Command Create()
    {
        var layer = CommandOptions.Layer("redis: (a private redis-server, which is killed, too) or sqlite:PATH", "redis:");
        var parts = CommandOptions.Several("--parts", "Only these parts", RecoveryRun.Parts);
        var faults = CommandOptions.Several("--faults", "Only these faults", RecoveryFault.Names);
        var checkedClients = CommandOptions.Number("--checked-clients", "Clients of the checker", usual: 200, least: 4, most: 2_000);
        var calm = CommandOptions.Number("--calm-seconds", "Seconds before and after a fault", usual: 3, least: 1, most: 60);
        var away = CommandOptions.Number("--away-seconds", "Seconds that a fault lasts", usual: 5, least: 1, most: 60);
        var clients = CommandOptions.Number("--clients", "Clients of the storm, half of which lose their node", usual: 10_000, least: 20, most: 15_000);
        var allReturn = new Option<bool>("--all-return") { Description = "All clients of the storm are on the node that is killed, and not half of them" };
        var groups = CommandOptions.Number("--groups", "Their groups", usual: 10, least: 1, most: 100);
        var missed = CommandOptions.Number("--missed", "Messages that each group gets at once when the node is killed", usual: 50, least: 0, most: 900);
        var rounds = CommandOptions.Number("--rounds", "How often the recovery of 100 messages is measured", usual: 300, least: 10, most: 10_000);
        var seconds = CommandOptions.Number("--seconds", "Seconds of each measurement of a send's cost", usual: 5, least: 1, most: 60);
        var file = CommandOptions.Out();

        var command = new Command("recovery", "Cuts clients, kills nodes and the broker, and counts what arrives; measures a storm, a recovery and what history costs.")
        {
            layer, parts, faults, checkedClients, calm, away, clients, allReturn, groups, missed, rounds, seconds, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new RecoverySettings(
                result.GetRequiredValue(layer),
                result.GetRequiredValue(parts),
                result.GetRequiredValue(faults),
                result.GetValue(checkedClients),
                TimeSpan.FromSeconds(result.GetValue(calm)),
                TimeSpan.FromSeconds(result.GetValue(away)),
                result.GetValue(clients),
                result.GetValue(allReturn),
                result.GetValue(groups),
                result.GetValue(missed),
                result.GetValue(rounds),
                result.GetValue(seconds));
            FileDescriptors.Require(Math.Max(settings.StormClients, settings.CheckedClients));
            var report = await RecoveryRun.RunAsync(settings, cancellationToken);
            await report.PublishAsync(result.GetValue(file));
            return report.IsKept ? 0 : 1;
        });
        return command;
    }
}
