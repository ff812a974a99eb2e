using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>queue</c>: what the work queue does in a second, and how soon.</summary>
internal static class QueueCommand
{
    public static Command Create()
    {
        var layer = CommandOptions.Layer("memory:, sqlite:PATH (the files are made beside PATH, and removed), redis: (a private redis-server), redis://HOST:PORT, amqp: (a private RabbitMQ) or amqp://HOST:PORT/VHOST", "memory:");
        var rounds = CommandOptions.Number("--rounds", "Measured rounds", usual: 5, least: 1, most: 20);
        var seconds = CommandOptions.Number("--seconds", "Seconds of each latency in a round", usual: 4, least: 1, most: 60);
        var file = CommandOptions.Out();

        var command = new Command("queue", "Rates and latencies of the work queue, through the whole product, beside a bare loop on the same store.")
        {
            layer, rounds, seconds, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new QueueSettings(result.GetRequiredValue(layer), result.GetValue(rounds), result.GetValue(seconds));
            var results = await QueueRun.RunAsync(settings, cancellationToken);
            await QueueTables.Of(results, settings).PublishAsync(result.GetValue(file));
        });
        return command;
    }
}
