using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a consumer decides when a client connects.</summary>
public abstract class ConsumerHandshakeTests : ConsumerTests
{
    public sealed class BesideTheSocket : ConsumerHandshakeTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : ConsumerHandshakeTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task A_consumer_that_says_nothing_to_it_accepts()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", _ => { }));
        await using var client = app.Communicator("/ws");

        Assert.True(await client.ConnectAsync());
        Assert.Equal(0, client.RefusedWith);
    }

    [Fact]
    public async Task A_consumer_that_rejects_answers_with_403_and_is_told_of_no_end()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = app.Communicator("/ws/rejects");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(403, client.RefusedWith);
        Assert.Equal("made", await app.Journal.NextAsync());
        Assert.Equal("disposed", await app.Journal.NextAsync());
        Assert.Equal("scope disposed", await app.Journal.NextAsync());
        Assert.Empty(app.Logs.Of(2003));
    }

    [Fact]
    public async Task A_consumer_that_closes_before_it_accepts_refuses()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = app.Communicator("/ws/closes");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(403, client.RefusedWith);
    }

    [Fact]
    public async Task A_consumer_that_decides_nothing_is_refused_with_403_and_a_warning()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = app.Communicator("/ws/nothing");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(403, client.RefusedWith);
        Assert.Contains("AcceptAsync", Assert.Single(app.Logs.Of(2003)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_that_fails_before_it_accepts_answers_with_500_and_is_logged_once()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = app.Communicator("/ws/throws");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(500, client.RefusedWith);
        Assert.Single(app.Logs.Of(1001));
    }

    [Fact]
    public async Task A_consumer_that_cannot_be_made_answers_with_500_and_leaves_nothing_behind()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<NeedsTheUnknown>("/ws"));
        await using var client = app.Communicator("/ws");

        Assert.False(await client.ConnectAsync());

        Assert.Equal(500, client.RefusedWith);
        await Wait.Until(() => app.Node.ConnectionCount == 0, "the connection is forgotten");
    }

    [Fact]
    public async Task The_subprotocol_that_the_consumer_chose_is_the_clients()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(
            (connection, ct) => connection.AcceptAsync(new AcceptOptions { Subprotocol = connection.Scope.Subprotocols[1] }, ct))));
        await using var client = app.Communicator("/ws");
        client.Subprotocols.Add("v2");
        client.Subprotocols.Add("v1");

        Assert.True(await client.ConnectAsync());

        Assert.Equal("v1", client.Subprotocol);
    }

    [Fact]
    public async Task A_subprotocol_that_the_client_does_not_offer_cannot_be_chosen()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(
            (connection, ct) => connection.AcceptAsync(new AcceptOptions { Subprotocol = "v3" }, ct))));
        await using var client = app.Communicator("/ws");
        client.Subprotocols.Add("v1");

        Assert.False(await client.ConnectAsync());

        Assert.Contains("'v3'", Assert.Single(app.Logs.Of(1001)).Exception!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_go_out_with_the_acceptance()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(
            (connection, ct) => connection.AcceptAsync(new AcceptOptions { Headers = new Dictionary<string, string> { ["Set-Cookie"] = "seen=1" } }, ct))));
        await using var client = app.Communicator("/ws");

        await client.ConnectAsync();

        Assert.Equal("seen=1", client.ResponseHeaders.SetCookie);
    }

    [Fact]
    public async Task The_scope_knows_path_query_route_headers_and_user()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws/{room}", c => c.OnConnect(async (connection, ct) =>
        {
            var scope = connection.Scope;
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            string?[] known = [scope.Path, scope.QueryString, scope.Query("q"), scope.Query("none"), scope.RouteValue("room"), scope.RouteValue("none"), scope.Header("X-Tenant"), scope.User.Identity?.Name];
            await connection.SendAsync(string.Join('|', known), ct);
        })));
        await using var client = app.Communicator("/ws/blue%20room?q=a%26b&q=c");
        client.Headers["X-Tenant"] = "t1";
        client.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "ann")], "test"));

        await client.ConnectAsync();

        Assert.Equal("/ws/blue room|?q=a%26b&q=c|a&b||blue room||t1|ann", await client.ReceiveTextAsync());
    }

    public sealed class NeedsTheUnknown(IEqualityComparer<ConsumerHandshakeTests> unknown) : WebSocketConsumer
    {
        public override Task OnConnectAsync(CancellationToken cancellationToken) => AcceptAsync(new AcceptOptions { Subprotocol = unknown.ToString() }, cancellationToken);
    }
}
