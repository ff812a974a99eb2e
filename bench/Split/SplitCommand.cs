using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>split</c>: what it costs that consumers work in another process than the sockets.</summary>
internal static class SplitCommand
{
    // Beyond it, the endpoint cuts off its client (ConsumerEndpointOptions.MaxMessagesPerSecond).
    private const int MostPerSocket = 200;

    public static Command Create()
    {
        var layer = CommandOptions.Layer("redis: (a private redis-server), redis://HOST:PORT, amqp: (a private RabbitMQ), amqp://HOST:PORT/VHOST, or sqlite:PATH", "redis:");
        var parts = CommandOptions.Several("--parts", "Only these parts", SplitRun.Parts);
        var sockets = CommandOptions.Number("--sockets", "Sockets of the echo", usual: 100, least: 1, most: 5_000);
        var rate = CommandOptions.Number("--rate", "Messages a second over all of them", usual: 1_000, least: 1, most: 20_000);
        var members = CommandOptions.Number("--members", "Sockets of the group that gets messages", usual: 1_000, least: 1, most: 20_000);
        var connections = CommandOptions.Number("--connections", "Connections that only wait", usual: 5_000, least: 100, most: 20_000);
        var rounds = CommandOptions.Number("--rounds", "Measured rounds", usual: 3, least: 1, most: 20);
        var seconds = CommandOptions.Number("--seconds", "Seconds of the echo and of the group in a round", usual: 4, least: 1, most: 60);
        var warmUp = CommandOptions.Number("--warm-up", "Seconds of each before it is measured", usual: 3, least: 1, most: 60);
        var file = CommandOptions.Out();

        var command = new Command("split", "A gateway and a worker beside the same application in one process: an echo, messages to a group, memory of idle connections.")
        {
            layer, parts, sockets, rate, members, connections, rounds, seconds, warmUp, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new SplitSettings(
                result.GetRequiredValue(layer),
                result.GetRequiredValue(parts),
                result.GetValue(sockets),
                result.GetValue(rate),
                result.GetValue(members),
                result.GetValue(connections),
                result.GetValue(rounds),
                result.GetValue(seconds),
                result.GetValue(warmUp));
            if (settings.Rate > MostPerSocket * settings.Sockets)
                throw new BenchException($"--rate must be at most {MostPerSocket} for each of the {settings.Sockets} --sockets: an endpoint takes no more from a client.");
            FileDescriptors.Require(Math.Max(Math.Max(settings.Sockets, settings.Members), settings.Connections));
            var results = await SplitRun.RunAsync(settings, cancellationToken);
            await SplitTables.Of(results, settings).PublishAsync(result.GetValue(file));
        });
        return command;
    }
}
