using System.CommandLine;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Runnel.Bench;

/// <summary>The child that holds one target: <c>server NAME [LAYER]</c>.</summary>
internal static class ServerProcess
{
    public static Command CreateCommand()
    {
        var target = new Argument<string>("target");
        var layer = new Argument<string>("layer") { DefaultValueFactory = _ => FanoutTargets.Alone };
        var command = new Command("server", "Started by the other commands.") { target, layer };
        command.Hidden = true;
        command.SetAction((result, cancellationToken) => RunAsync(result.GetRequiredValue(target), result.GetRequiredValue(layer), cancellationToken));
        return command;
    }

    private static async Task RunAsync(string name, string layer, CancellationToken cancellationToken)
    {
        var target = FanoutTargets.Create(name, layer);
        var members = new Membership();

        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(members);
        target.AddServices(builder.Services);

        await using var app = builder.Build();
        target.Map(app);
        await app.StartAsync(cancellationToken);

        await ControlLoop.RunAsync(
            async (verb, words) =>
            {
                switch (verb)
                {
                    case "port":
                        return new Uri(app.Urls.Single()).Port;
                    case "members":
                        await members.WaitForAsync(Number(words[0]));
                        return true;
                    case "publish":
                        await Publisher.PublishAsync(target, Number(words[0]), Number(words[1]), TimeSpan.FromMilliseconds(Number(words[2])));
                        return true;
                    case "keep-publishing":
                        return await new OpenLoop(target.PublishAsync).PublishAsync(Number(words[0]), Number(words[1]));
                    case "figures":
                        return ServerFigures.Now();
                    case "settle":
                        return await MemoryFigures.SettleAsync();
                    default:
                        throw new ArgumentException($"A server does not know '{verb}'.");
                }
            },
            cancellationToken);
    }

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
