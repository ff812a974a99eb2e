using System.CommandLine;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The child that holds the clients: <c>load</c>.</summary>
internal static class LoadProcess
{
    public static Command CreateCommand()
    {
        var command = new Command("load", "Started by the other commands.") { Hidden = true };
        command.SetAction((_, cancellationToken) => RunAsync(cancellationToken));
        return command;
    }

    private static async Task RunAsync(CancellationToken cancellationToken)
    {
        var generator = new LoadGenerator();
        generator.Start();

        await ControlLoop.RunAsync(
            async (verb, words) =>
            {
                switch (verb)
                {
                    case "connect":
                        generator.Connect((int)Number(words[0]), words[1], (int)Number(words[2]));
                        return true;
                    case "disconnect":
                        generator.Disconnect();
                        return true;
                    case "begin":
                        generator.Deliveries.Begin(Number(words[0]));
                        return true;
                    case "keep-sending":
                        return await new OpenLoop(generator.SendAsync).PublishAsync((int)Number(words[0]), (int)Number(words[1]));
                    case "finish":
                        await generator.Deliveries.WaitAsync(TimeSpan.FromSeconds(Number(words[0])));
                        return FiguresOf(generator);
                    default:
                        throw new ArgumentException($"The load generator does not know '{verb}'.");
                }
            },
            cancellationToken);
    }

    private static LoadFigures FiguresOf(LoadGenerator generator)
    {
        var latency = generator.Deliveries.Latency.Figures();
        return new LoadFigures(generator.Deliveries.Count, latency.P50, latency.P99, generator.ConnectionsLost);
    }

    private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);
}
