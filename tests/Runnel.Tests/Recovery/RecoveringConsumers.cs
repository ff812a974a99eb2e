using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Tests.Recovery;

/// <summary>The consumer of articles of the test vectors.</summary>
internal sealed class VectorArticles : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        var joined = await Groups.AddAsync("articles", cancellationToken);
        if (joined.Outcome is not JoinOutcome.Recovered)
            await SendJsonAsync("snapshot", cancellationToken);
    }

    public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;

    [Handles("note")]
    public async Task OnNoteAsync(JsonElement note, CancellationToken cancellationToken) => await SendJsonAsync(note, cancellationToken);
}

/// <summary>Answers with what it gets.</summary>
internal sealed class VectorEcho : JsonWebSocketConsumer
{
    public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => await SendJsonAsync(message, cancellationToken);
}

/// <summary>Lets nobody in.</summary>
internal sealed class VectorRefusal : WebSocketConsumer
{
    public override Task OnConnectAsync(CancellationToken cancellationToken) => RejectAsync(cancellationToken);
}

/// <summary>Joins the groups that the query names, and sends a snapshot when something was missed.</summary>
internal sealed class GroupsConsumer : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        foreach (var group in (Scope.Query("groups") ?? "articles").Split(','))
        {
            if ((await Groups.AddAsync(group, cancellationToken)).Outcome == JoinOutcome.Gap)
                await SendJsonAsync($"snapshot of {group}", cancellationToken);
        }
    }

    public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;

    [Handles("note")]
    public async Task OnNoteAsync(int note, CancellationToken cancellationToken) => await SendJsonAsync($"note {note}", cancellationToken);
}

/// <summary>Joins the articles, and says when it has dealt with what it was given before.</summary>
internal abstract class ArticlesConsumer : JsonWebSocketConsumer
{
    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync("articles", cancellationToken);
    }

    public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;

    [Handles("done")]
    public async Task OnDoneAsync(CancellationToken cancellationToken) => await SendJsonAsync("done", cancellationToken);
}

/// <summary>Deals with a gap itself: it sends the present state.</summary>
internal sealed class ResendingConsumer : ArticlesConsumer
{
    public override async Task OnGapAsync(GroupName group, CancellationToken cancellationToken) => await SendJsonAsync($"snapshot of {group}", cancellationToken);
}
