using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Clients;

/// <summary>The browser client in a browser, against a server.</summary>
public sealed class BrowserClientTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Theory]
    [InlineData("/own")]
    [InlineData("/shared")]
    public async Task A_page_that_is_cut_off_comes_back_and_has_missed_nothing(string path)
    {
        await using var page = await ClientPage.OpenAsync(chromium, $$"""
            <script type="module">
              import { connect } from "/_runnel/client.js";
              const client = connect("{{path}}");
              client.listen((article) => heard.push(article));
              client.demultiplex("articles", (article) => heard.push(article));
              client.on("joined", ({ stream, outcome }) => stream !== "echo" && heard.push(outcome));
              client.on("state", ({ state, recovered }) => states.push([state, recovered]));
            </script>
            """);
        await page.HearAsync(2);
        await page.SendAsync(1, 3);
        await page.HearAsync(5);

        page.Wire.Cut();
        await page.SendAsync(4, 250);
        page.Wire.Heal();

        Assert.Equal($"""["snapshot","new",1,2,3,"recovered",{string.Join(',', Enumerable.Range(4, 247))}]""", await page.HearAsync(253));
        await page.Page.WaitForFunctionAsync("states.length >= 3");
        Assert.Equal("""[["connected",false],["reconnecting",null],["connected",true]]""", await page.Page.EvaluateAsync<string>("JSON.stringify(states)"));
    }

    [Fact]
    public async Task A_connection_that_died_without_a_word_is_found_out_when_the_computer_wakes_up()
    {
        await using var page = await ClientPage.OpenAsync(chromium, """
            <script type="module">
              import { connect } from "/_runnel/client.js";
              const client = connect("/own", { connectTimeout: 1_000 });
              client.listen((article) => heard.push(article));
              client.on("joined", ({ outcome }) => heard.push(outcome));
            </script>
            """);
        await page.HearAsync(2);

        page.Wire.Strand();
        await page.SendAsync(1, 2);
        await page.Page.EvaluateAsync("dispatchEvent(new Event('online'))");

        Assert.Equal("""["snapshot","new","recovered",1,2]""", await page.HearAsync(5));
    }

    [Fact]
    public async Task A_client_of_a_job_that_there_is_not_stays_away()
    {
        await using var page = await ClientPage.OpenAsync(
            chromium,
            $"""
            <script type="module">
              import * as runnel from "/_runnel/client.js";
              runnel.connect("/jobs/{MessageId.New(TimeProvider.System)}/socket").on("state", (change) => change.state === "closed" && heard.push(change.code));
            </script>
            """,
            static app => app.MapJobs("/jobs"));

        Assert.Equal("[4404]", await page.HearAsync(1));
    }

    [Fact]
    public async Task An_application_under_a_prefix_is_found_by_a_relative_address_that_a_function_gives()
    {
        await using var page = await ClientPage.OpenAsync(chromium, """
            <script type="module">
              import { connect } from "./_runnel/client.js";
              connect(async () => "own").listen((article) => heard.push(article));
            </script>
            """, prefix: "/shop");
        await page.HearAsync(1);

        await page.SendAsync(1, 1);

        Assert.Equal("""["snapshot",1]""", await page.HearAsync(2));
    }

    [Fact]
    public async Task A_worker_connects_without_a_page()
    {
        await using var page = await ClientPage.OpenAsync(
            chromium,
            """<script>worker = new Worker("/worker.js", { type: "module" }); worker.onmessage = ({ data }) => heard.push(data)</script>""",
            app => app.MapGet("/worker.js", () => Results.Content("""
                import { connect } from "/_runnel/client.js";
                connect("/own").listen((article) => postMessage(article));
                """, "text/javascript")));
        await page.HearAsync(1);

        await page.SendAsync(1, 1);

        Assert.Equal("""["snapshot",1]""", await page.HearAsync(2));
    }

    [Fact]
    public async Task An_endpoint_that_chooses_no_subprotocol_is_spoken_to_without_recovery()
    {
        await using var page = await ClientPage.OpenAsync(
            chromium,
            """
            <script type="module">
              import { connect } from "/_runnel/client.js";
              const client = connect("/plain");
              client.listen((message) => heard.push(message));
              client.on("state", ({ state, recovered }) => heard.push(`${state} ${recovered}`));
              client.send({ id: 1 });
            </script>
            """,
            app => app.UseWebSockets().Use(static async (context, next) =>
            {
                if (!context.Request.Path.StartsWithSegments("/plain", StringComparison.Ordinal))
                {
                    await next(context);
                    return;
                }
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[1024];
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, true, context.RequestAborted);
                await socket.ReceiveAsync(buffer, context.RequestAborted);
            }));

        Assert.Equal("""["reconnecting undefined","connected false",{"id":1}]""", await page.HearAsync(3));
    }

    [Fact]
    public async Task The_module_its_types_and_its_source_map_are_served_beside_each_other()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(static app => app.MapRunnelClient());
        using var http = app.Server.CreateClient();

        var module = await http.GetStringAsync(new Uri("/_runnel/client.js", UriKind.Relative));
        var types = await http.GetStringAsync(new Uri("/_runnel/client.d.ts", UriKind.Relative));
        var map = await http.GetStringAsync(new Uri("/_runnel/client.js.map", UriKind.Relative));

        Assert.EndsWith("\n//# sourceMappingURL=client.js.map\n", module, StringComparison.Ordinal);
        Assert.Contains("export declare function connect(", types, StringComparison.Ordinal);
        Assert.Contains("\"../src/client.ts\"", map, StringComparison.Ordinal);
    }
}
