using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Groups that a consumer joins after it has connected, because its client asks for them.</summary>
public sealed class LaterJoinTests
{
    [Fact]
    public async Task A_group_that_was_joined_later_is_lost_at_the_return_and_new_when_it_is_joined_again()
    {
        await using var app = await StartAsync();
        var client = new GreetedClient();
        await client.ConnectAsync(app, "/rooms");
        await client.ReceiveJoinedAsync();
        Assert.Equal("new", await JoinAsync(client));
        var position = Assert.Single(client.Positions).Position;

        client.Cut();
        await app.Groups.SendJsonAsync("room", 1);
        await client.ConnectAsync(app, "/rooms");
        Assert.Empty(await client.ReceiveJoinedAsync());
        Assert.Equal("new", await JoinAsync(client));
        await app.Groups.SendJsonAsync("room", 2);

        Assert.Equal([position], client.Joined[""].GetProperty("lost").EnumerateArray().Select(lost => lost.GetString()));
        Assert.Equal(2, (await client.ReceivePayloadAsync()).GetInt32());
    }

    [Fact]
    public async Task A_group_that_the_address_names_at_the_return_recovers_although_it_was_joined_later()
    {
        await using var app = await StartAsync();
        var client = new GreetedClient();
        await client.ConnectAsync(app, "/rooms");
        await client.ReceiveJoinedAsync();
        await JoinAsync(client);

        client.Cut();
        await app.Groups.SendJsonAsync("room", 1);
        await client.ConnectAsync(app, "/rooms?room=room");

        Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        Assert.Equal(1, (await client.ReceivePayloadAsync()).GetInt32());
    }

    private static async Task<string?> JoinAsync(GreetedClient client)
    {
        await client.SendTextAsync("""{"payload": "room"}""");
        while (true)
        {
            if ((await client.ReceiveAsync()).TryGetProperty("joined", out var joined))
                return joined[0].GetProperty("outcome").GetString();
        }
    }

    private static Task<RunnelApp> StartAsync() => RunnelApp.StartAsync(
        app => app.MapConsumer<RoomsConsumer>("/rooms"),
        builder => builder.With(new InMemoryBackplane(TimeProvider.System)).With((RunnelOptions options) => options.KeepHistory("room*", new Retention(1000, TimeSpan.FromMinutes(2)))));

    private sealed class RoomsConsumer : JsonWebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            if (Scope.Query("room") is { } room)
                await Groups.AddAsync(room, cancellationToken);
        }

        public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => await Groups.AddAsync(message.GetString()!, cancellationToken);
    }
}
