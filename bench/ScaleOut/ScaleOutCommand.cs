using System.CommandLine;

namespace Runnel.Bench;

/// <summary><c>scaleout</c>: how soon, and at what cost, a message reaches the sockets of another node.</summary>
internal static class ScaleOutCommand
{
    private const int MostPerSecond = 20_000;

    public static Command Create()
    {
        var layer = CommandOptions.Layer("redis: (a private redis-server), redis://HOST:PORT, amqp: (a private RabbitMQ), amqp://HOST:PORT/VHOST, or sqlite:PATH", "redis:");
        var targets = new Option<string[]>("--target") { Description = "Only these targets", AllowMultipleArgumentsPerToken = true };
        targets.AcceptOnlyFromAmong(FanoutTargets.Runnel, FanoutTargets.Bare);
        var connections = CommandOptions.Number("--connections", "Sockets on the other node", usual: 100, least: 1, most: 5_000);
        var rates = Rates();
        var rounds = CommandOptions.Number("--rounds", "Measured rounds", usual: 3, least: 1, most: 20);
        var seconds = CommandOptions.Number("--seconds", "Seconds of each rate in a round", usual: 5, least: 1, most: 60);
        var warmUp = CommandOptions.Number("--warm-up", "Seconds of each rate before each round", usual: 3, least: 1, most: 60);
        var file = CommandOptions.Out();

        var command = new Command("scaleout", "Latency and CPU from a publish on one node to the sockets of another, beside a bare loop on the same server.")
        {
            layer, targets, connections, rates, rounds, seconds, warmUp, file,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var settings = new ScaleOutSettings(
                result.GetRequiredValue(layer),
                result.GetValue(targets) ?? [],
                result.GetValue(connections),
                result.GetRequiredValue(rates),
                result.GetValue(rounds),
                result.GetValue(seconds),
                result.GetValue(warmUp));
            FileDescriptors.Require(settings.Connections);
            var results = await ScaleOutRun.RunAsync(settings, cancellationToken);
            await ScaleOutTables.Of(results, settings).PublishAsync(result.GetValue(file));
        });
        return command;
    }

    private static Option<int[]> Rates()
    {
        var option = new Option<int[]>("--rates")
        {
            Description = $"Messages a second (1 to {MostPerSecond} each)",
            DefaultValueFactory = _ => [1_000, 5_000],
            AllowMultipleArgumentsPerToken = true,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>() is var rates && rates.Any(rate => rate is < 1 or > MostPerSecond))
                result.AddError($"--rates must be from 1 to {MostPerSecond}.");
        });
        return option;
    }
}
