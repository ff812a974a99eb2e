using System.CommandLine;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>The child that is a node: <c>recovery-node LAYER PORT FOLDER MAXBYTES</c>. Groups whose name begins with <c>kept</c> keep history.</summary>
internal sealed class RecoveryNode : IDisposable
{
    private readonly IGroups _groups;
    private readonly string _folder;
    private readonly List<SequencePublisher> _publishers = [];
    private readonly MeterListener _meters = new();
    private long _reads;

    private RecoveryNode(IGroups groups, string folder)
    {
        (_groups, _folder) = (groups, folder);
        _meters.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == RunnelTelemetry.GroupHistoryReads)
                listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _reads, count));
        _meters.Start();
    }

    public static Command CreateCommand()
    {
        var (layer, port, folder, maxBytes) = (new Argument<string>("layer"), new Argument<int>("port"), new Argument<string>("folder"), new Argument<int>("max-bytes"));
        var command = new Command("recovery-node", "Started by recovery.") { layer, port, folder, maxBytes };
        command.Hidden = true;
        command.SetAction((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(layer), result.GetValue(port), result.GetRequiredValue(folder), result.GetValue(maxBytes), cancellationToken));
        return command;
    }

    public void Dispose()
    {
        _publishers.ForEach(publisher => publisher.Dispose());
        _meters.Dispose();
    }

    private static async Task RunAsync(string layer, int port, string folder, int maxBytes, CancellationToken cancellationToken)
    {
        var members = new Membership();
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        if (maxBytes > 0)
            KeepLittle(builder, maxBytes);
        builder.Services.AddSingleton(members);
        builder.Services.AddRunnel(options => options.KeepHistory("kept*", new Retention(1000, TimeSpan.FromMinutes(2)))).UseLayer(layer);
        // Not the default: all clients of a benchmark have the same address.
        builder.Services.Configure<GatewayOptions>(gateway => gateway.MaxConnectionsPerAddress = gateway.MaxConnections);
        await using var app = builder.Build();
        app.MapConsumer<RecoveryConsumer>("/recovery", options => options.Outbound.MaxBytes = maxBytes > 0 ? maxBytes : options.Outbound.MaxBytes);
        await app.StartAsync(cancellationToken);

        using var node = new RecoveryNode(app.Services.GetRequiredService<IGroups>(), folder);
        await ControlLoop.RunAsync((verb, words) => node.AnswerAsync(verb, words, members), cancellationToken);
    }

    // The system would keep megabytes for a client that does not read.
    private static void KeepLittle(WebApplicationBuilder builder, int bytes) => builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        socket.SendBufferSize = bytes;
        return socket;
    });

    private async Task<object> AnswerAsync(string verb, string[] words, Membership members)
    {
        switch (verb)
        {
            case "members":
                await members.WaitForAsync(Number(words[0]));
                return true;
            case "publish":
                Add(words[0], words[1]).Begin(Number(words[2]), Number(words[3]));
                return true;
            case "hold":
                await Task.WhenAll(_publishers.Select(publisher => publisher.EndAsync()));
                return true;
            case "send":
                await Add(words[0], words[1]).SendAsync(Number(words[2]));
                return true;
            case "keep-publishing":
                return await new OpenLoop(message => _groups.SendAsync(words[0], message).AsTask()).PublishAsync(Number(words[1]), Number(words[2]));
            case "reads":
                return Interlocked.Read(ref _reads);
            case "figures":
                return ServerFigures.Now();
            case "settle":
                return await MemoryFigures.SettleAsync();
            default:
                throw new ArgumentException($"A node does not know '{verb}'.");
        }
    }

    private SequencePublisher Add(string publisher, string group)
    {
        var added = new SequencePublisher(_groups, group, Number(publisher), _folder);
        _publishers.Add(added);
        return added;
    }

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
