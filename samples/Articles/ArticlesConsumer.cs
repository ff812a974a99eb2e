using Microsoft.EntityFrameworkCore;
using Runnel;

namespace Articles;

/// <summary>One open page. Gets the latest articles when it connects, unless it comes back and has missed nothing; what happens later, the data binding sends to the group.</summary>
/// <remarks>Takes a factory, because a consumer lives as long as its connection and a context should not.</remarks>
public sealed class ArticlesConsumer(IDbContextFactory<ArticlesContext> contexts) : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);

        // Join first, read second: what is saved in between waits until the snapshot is out, and nothing falls into a gap.
        var joined = await Groups.AddAsync("articles", cancellationToken);
        if (joined.Outcome is JoinOutcome.Recovered)
            return; // what was saved while the page was away follows by itself
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var latest = await db.Latest.Take(5).ToListAsync(cancellationToken);
        await SendJsonAsync(new { action = "snapshot", model = "article", data = latest }, cancellationToken);
    }

    /// <summary>Another worker had this page. It is still in the group, and this consumer needs nothing else.</summary>
    public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
