using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recovery;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Clients;

/// <summary>A page in a browser that has opened the client, and the application that it talks to, with a wire between them that a test can cut.</summary>
internal sealed class ClientPage : IAsyncDisposable
{
    private readonly RunnelApp _app;

    private ClientPage(RunnelApp app, TcpWire wire, IPage page) => (_app, Wire, Page) = (app, wire, page);

    public IGroups Groups => _app.Groups;

    public TcpWire Wire { get; }

    public IPage Page { get; }

    /// <summary>Opens the page.</summary>
    /// <param name="chromium">The browser.</param>
    /// <param name="html">What the page holds. What it hears it puts into <c>heard</c>.</param>
    /// <param name="map">What the application has besides.</param>
    /// <param name="prefix">Under which path the application is.</param>
    public static async Task<ClientPage> OpenAsync(Chromium chromium, string html, Action<WebApplication>? map = null, string prefix = "")
    {
        var app = await RunnelApp.StartAsync(
            app =>
            {
                if (prefix.Length > 0)
                    app.UsePathBase(prefix).UseRouting();
                app.MapRunnelClient();
                app.MapDemultiplexer("/shared", streams => streams.Stream<VectorArticles>("articles").Stream<VectorEcho>("echo"));
                app.MapConsumer<VectorArticles>("/own");
                app.MapGet("/", () => Results.Content($"<!doctype html><title>Client</title><script>heard = []; states = []</script>{html}", "text/html"));
                map?.Invoke(app);
            },
            builder => builder.With((RunnelOptions options) => options.KeepHistory("articles", new Retention(1000, TimeSpan.FromMinutes(2)))));
        var wire = TcpWire.To(app.Address.Port);
        var page = await chromium.NewPageAsync(new Uri($"http://127.0.0.1:{wire.Port}{prefix}/"));
        await page.GotoAsync("");
        return new ClientPage(app, wire, page);
    }

    /// <summary>Sends numbers to the articles.</summary>
    public async Task SendAsync(int first, int last)
    {
        for (var number = first; number <= last; number++)
            await Groups.SendJsonAsync("articles", number);
    }

    /// <summary>Waits until the page has heard so much, and returns it as JSON.</summary>
    public async Task<string> HearAsync(int count)
    {
        await Page.WaitForFunctionAsync("count => heard.length >= count", count, new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        return await Page.EvaluateAsync<string>("JSON.stringify(heard)");
    }

    public async ValueTask DisposeAsync()
    {
        await Page.CloseAsync();
        await Wire.DisposeAsync();
        await _app.DisposeAsync();
    }
}
