using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel;
using Runnel.AspNetCore;
using Runnel.Layers;

namespace Guides.Recovery;

public interface IArticles
{
    Task<IReadOnlyList<string>> LatestAsync(int count, CancellationToken cancellationToken);
}

// <recovery-consumer>
public sealed class ArticlesConsumer(IArticles articles) : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        var joined = await Groups.AddAsync("articles", cancellationToken);
        if (joined.Outcome is not JoinOutcome.Recovered)
            await SendJsonAsync(await articles.LatestAsync(20, cancellationToken), cancellationToken);
    }

    public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;
}
// </recovery-consumer>

public sealed class TickerConsumer : JsonWebSocketConsumer
{
    public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;

    // <recovery-gap>
    public override async Task OnGapAsync(GroupName group, CancellationToken cancellationToken)
    {
        var articles = Services.GetRequiredService<IArticles>();
        await SendJsonAsync(await articles.LatestAsync(20, cancellationToken), cancellationToken);
    }
    // </recovery-gap>
}

public static class Registration
{
    public static void Register(WebApplicationBuilder builder)
    {
        // <recovery-keep>
        builder.Services.AddRunnel(options => options
            .KeepHistory("articles.drafts*", retention: null)
            .KeepHistory("articles*", new Retention(1000, TimeSpan.FromMinutes(2))));
        // </recovery-keep>

        // <recovery-quiet>
        builder.Services.AddRunnel(options => options
            .KeepHistory("notices*", new Retention(100, TimeSpan.FromMinutes(2)) { PositionAge = TimeSpan.FromDays(30) }));
        // </recovery-quiet>

        // <recovery-storm>
        builder.Services.Configure<GatewayOptions>(gateway =>
        {
            gateway.ReconnectWindow = TimeSpan.FromSeconds(25);
            gateway.MaxConnectionsPerSecond = 2_000;
            gateway.MaxHandshakes = 500;
        });
        // </recovery-storm>
    }
}
