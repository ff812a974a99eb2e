using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Runnel.Layers;
using Runnel.Tests.Cli;
using Runnel.Tests.Connections;
using Runnel.Tests.Processes;
using Runnel.Tests.Recovery;
using Runnel.Tests.Samples;
using Runnel.Tests.Sqlite;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary><c>runnel load</c> as a process.</summary>
public sealed class LoadCommandTests
{
    private static readonly string[] Articles = ["--header", "X-Api-Key: dev", "--body", """{"title":"{mark}","body":"Number {n}."}"""];

    [Fact]
    public async Task It_puts_load_on_articles_and_answers_with_one_document()
    {
        await using var app = new ArticlesApp();

        var tool = await RunnelTool.RunAsync(
            ["load", $"http://{app.Address.Authority}/ws/articles", "--connections", "300", "--ramp", "1s", "--duration", "2s", "--publish", $"{app.Address}api/articles", "--rate", "4", .. Articles, "--json"]);

        var summary = tool.Json;
        Assert.Equal(["connecting", "connections", "errors", "isInterrupted", "latency", "received", "seconds", "sent", "url", "verdict"], NamesIn(summary));
        Assert.Equal(["count", "max", "p50", "p90", "p99", "p999"], NamesIn(summary.GetProperty("latency")));
        Assert.Equal("""{"wanted":300,"opened":300,"held":300,"returns":0}""", JsonSerializer.Serialize(summary.GetProperty("connections")));
        Assert.Equal(8, summary.GetProperty("sent").GetProperty("confirmed").GetInt32());
        Assert.Equal((true, 2400, 2400), (Verdict("isGood").GetBoolean(), Verdict("due").GetInt32(), Verdict("arrived").GetInt32()));
        Assert.Contains("  runs  open 300/300  ", tool.Error, StringComparison.Ordinal); // each phase has its line

        JsonElement Verdict(string name) => summary.GetProperty("verdict").GetProperty(name);
    }

    [Fact]
    public async Task It_publishes_to_a_group_through_the_layer()
    {
        await using var file = new SqliteFile(TimeProvider.System);
        var layer = $"sqlite:{file.Path}";
        await using var app = await RunnelApp.StartAsync(
            static app => app.MapConsumer<VectorArticles>("/own"),
            builder =>
            {
                builder.Configuration["Runnel:Layer"] = layer;
                builder.With((RunnelOptions options) => options.KeepHistory("articles", new Retention(1000, TimeSpan.FromMinutes(5))));
            });

        var tool = await RunnelTool.RunAsync(
            "load", $"ws://{app.Address.Authority}/own", "--connections", "5", "--ramp", "0s", "--duration", "1s", "--protocol", "runnel.v1",
            "--publish", "group:articles", "--layer", layer, "--history", "1000,5m", "--rate", "20", "--json");

        var verdict = tool.Json.GetProperty("verdict");
        Assert.Equal((true, 100), (verdict.GetProperty("isGood").GetBoolean(), verdict.GetProperty("arrived").GetInt32()));
        Assert.Empty(app.Logs.Of(1023)); // a message without a place in the group's history
    }

    [Fact]
    public async Task A_stop_brings_the_summary_of_what_was()
    {
        await using var app = new ArticlesApp();
        await using var process = ChildProcess.Start(
            "Runnel.Cli.dll",
            ["load", $"ws://{app.Address.Authority}/ws", "--stream", "articles", "--protocol", "runnel.v1", "--connections", "20", "--ramp", "0s", "--duration", "1h", "--publish", $"{app.Address}api/articles", "--rate", "50", .. Articles]);

        await process.SaysAsync("runs  open 20/20");
        var (code, output) = await process.TerminateAsync();

        Assert.Contains("Interrupted", output, StringComparison.Ordinal);
        Assert.Contains("Good: ", output, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task A_bad_verdict_is_exit_code_1()
    {
        await using var app = new ArticlesApp();

        var tool = await RunnelTool.RunAsync("load", $"ws://{app.Address.Authority}/nowhere", "--connections", "2", "--ramp", "0s", "--duration", "0s");

        Assert.Equal(1, tool.ExitCode);
        Assert.Contains("2 × refused 404", tool.Output, StringComparison.Ordinal);
        Assert.Contains("Not good: 2 connections could not be opened.", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up_after_the_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var tool = await RunnelTool.RunAsync("load", $"ws://{silent.LocalEndpoint}/ws", "--connections", "1", "--ramp", "0s", "--timeout", "250ms");

        Assert.Equal(1, tool.ExitCode);
        Assert.Contains("1 × timedOut handshake: A handshake took longer than 0.25 s.", tool.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> NamesIn(JsonElement document) => document.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal);
}
