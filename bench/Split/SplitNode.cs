using System.CommandLine;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Runnel.Bench;

/// <summary>The child that runs the same application as its users would, with one of its commands: <c>split-node ROLE LAYER</c>.</summary>
internal static class SplitNode
{
    public const string Server = "server", Gateway = "gateway", Worker = "worker";

    /// <summary>The endpoints, as <see cref="FanoutTargets.PathOf"/> knows them.</summary>
    public const string Group = FanoutTargets.Runnel, Echo = "echo";

    public static Command CreateCommand()
    {
        var (role, layer) = (new Argument<string>("role"), new Argument<string>("layer"));
        var command = new Command("split-node", "Started by split.") { role, layer };
        command.Hidden = true;
        command.SetAction((result, cancellationToken) => RunAsync(result.GetRequiredValue(role), result.GetRequiredValue(layer), cancellationToken));
        return command;
    }

    private static async Task RunAsync(string role, string layer, CancellationToken cancellationToken)
    {
        var target = new RunnelTarget(layer);
        var members = new Membership();

        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(members);
        target.AddServices(builder.Services);
        var app = builder.Build();
        target.Map(app);
        app.MapConsumer<EchoConsumer>(FanoutTargets.PathOf(Echo));

        var lifetime = app.Lifetime;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lifetime.ApplicationStarted.Register(started.SetResult);
        var ended = app.RunRunnelAsync(CommandOf(role));
        if (await Task.WhenAny(started.Task, ended) == ended)
            throw new BenchException($"The {role} did not start; why not is above.");

        await ControlLoop.RunAsync(
            async (verb, words) =>
            {
                switch (verb)
                {
                    case "port":
                        return new Uri(app.Urls.Single()).Port;
                    case "ready":
                        return true;
                    case "members":
                        await members.WaitForAsync(Number(words[0]));
                        return true;
                    case "publish":
                        await Publisher.PublishAsync(target, Number(words[0]), Number(words[1]), TimeSpan.FromMilliseconds(Number(words[2])));
                        return true;
                    case "figures":
                        return ServerFigures.Now();
                    case "settle":
                        return await MemoryFigures.SettleAsync();
                    default:
                        throw new ArgumentException($"A {role} does not know '{verb}'.");
                }
            },
            cancellationToken);
        lifetime.StopApplication();
        await ended;
    }

    private static string[] CommandOf(string role) => role switch
    {
        Server => ["runserver"],
        Gateway => ["runserver", "--noworker"],
        Worker => ["runworker"],
        _ => throw new ArgumentException($"There is no role '{role}'.", nameof(role)),
    };

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
