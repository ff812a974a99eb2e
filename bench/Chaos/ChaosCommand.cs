using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>chaos</c>: nothing is lost, whatever is killed. Ends with 1 when a promise was broken.</summary>
internal static class ChaosCommand
{
    public static Command Create()
    {
        var layer = CommandOptions.Layer("sqlite:PATH (the files are made beside PATH, and removed), redis: (a private redis-server, which is killed, too), redis://HOST:PORT, or amqp: (a private RabbitMQ, which is killed, too)", "sqlite:chaos.db");
        var messages = CommandOptions.Number("--messages", "Messages", usual: 60_000, least: 100, most: 10_000_000);
        var kills = CommandOptions.Number("--kills", "How often a worker is killed", usual: 20, least: 1, most: 1_000);
        var serverKills = CommandOptions.Number("--server-kills", "How often a server is killed that the run started itself", usual: 5, least: 0, most: 100);
        var handovers = CommandOptions.Number("--handovers", "How often it is measured how soon a killed worker's message begins elsewhere", usual: 10, least: 0, most: 1_000);
        var workers = CommandOptions.Number("--workers", "Worker processes", usual: 3, least: 2, most: 20);
        // Longer than a lease (6 s), shorter than a sender waits (10 s, OutageTimeout): who is stopped inside a transaction of SQLite holds up all who write.
        var stop = CommandOptions.Number("--stop-seconds", "How long a worker is stopped, once", usual: 8, least: 1, most: 60);
        var longJob = CommandOptions.Number("--long-job-seconds", "How long the long job takes", usual: 20, least: 1, most: 600);
        var seed = CommandOptions.Number("--seed", "Which worker is killed when", usual: 1, least: 0, most: int.MaxValue);
        var file = CommandOptions.Out();

        var command = new Command("chaos", "Kills workers and the producer over and over, and compares what was confirmed with what was handled.")
        {
            layer, messages, kills, serverKills, handovers, workers, stop, longJob, seed, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new ChaosSettings(
                result.GetRequiredValue(layer),
                result.GetValue(messages),
                result.GetValue(kills),
                result.GetValue(serverKills),
                result.GetValue(handovers),
                result.GetValue(workers),
                TimeSpan.FromSeconds(result.GetValue(stop)),
                TimeSpan.FromSeconds(result.GetValue(longJob)),
                result.GetValue(seed));
            var verdict = await ChaosRun.RunAsync(settings, cancellationToken);
            await verdict.Report(settings).PublishAsync(result.GetValue(file));
            return verdict.IsKept ? 0 : 1;
        });
        return command;
    }
}
