using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What is over, and what is given back, when a client is gone, whichever protocol it speaks.</summary>
public sealed class GoneTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_consumer_that_is_told_of_the_end_finds_its_token_cancelled(bool isGreeted)
    {
        await using var app = await StartAsync();
        var client = await ConnectAsync(app, isGreeted);

        await Wait.For(client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None), "the answer to the close");

        Assert.Equal("end 1000 True", await app.Journal.NextAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_is_gone_takes_no_place_any_more(bool isGreeted)
    {
        await using var app = await StartAsync();
        var client = await ConnectAsync(app, isGreeted);
        Assert.Equal((1, 1), (app.Limits.Count, app.Limits.AddressCount));

        client.Abort();

        await Wait.Until(() => (app.Limits.Count, app.Limits.AddressCount) == (0, 0), "its places are free");
    }

    private static Task<RunnelApp> StartAsync() => RunnelApp.StartAsync(app => app.MapConsumer("/ws", c => c
        .OnConnect(async (connection, ct) =>
        {
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            await connection.SendAsync("connected", ct);
        })
        .OnDisconnect((code, connection) =>
        {
            ((Journal)app.Services.GetService(typeof(Journal))!).Write($"end {code} {connection.Gone.IsCancellationRequested}");
            return Task.CompletedTask;
        })));

    private static async Task<ClientWebSocket> ConnectAsync(RunnelApp app, bool isGreeted)
    {
        var client = await app.ConnectAsync("/ws", options =>
        {
            if (isGreeted)
                options.AddSubProtocol(ClientHello.Subprotocol);
        });
        if (isGreeted)
            await client.SendTextAsync("""{"hello": {"version": 1, "client": "1f6b0c9e"}}""");
        while (!(await client.ReceiveTextAsync()).Contains("connected", StringComparison.Ordinal))
        {
            // the server's hello
        }
        return client;
    }
}
