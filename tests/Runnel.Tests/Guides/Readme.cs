// What a web project has of itself.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

// <readme>
using Runnel;
// </readme>

namespace Guides.Readme;

public static class ReadmeProgram
{
    public static void Run(string[] args)
    {
        // <readme>
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddRunnel();

        var app = builder.Build();
        app.MapConsumer<NewsConsumer>("/ws/news");
        app.MapPost("/news", async (Headline headline, IGroups groups) => await groups.SendJsonAsync("news", headline));
        app.MapRunnelClient();
        app.MapGet("/", () => Results.Content("""
            <!doctype html><title>News</title><ul></ul>
            <script type="module">
              import { connect } from "/_runnel/client.js";
              const list = document.querySelector("ul");
              connect("/ws/news").listen(({ title }) => list.prepend(Object.assign(document.createElement("li"), { textContent: title })));
            </script>
            """, "text/html"));
        app.Run();
        // </readme>
    }
}

// <readme>
public sealed class NewsConsumer : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync("news", cancellationToken);
        await SendJsonAsync(new Headline("Here is the news."), cancellationToken);
    }
}

public sealed record Headline(string Title);
// </readme>
