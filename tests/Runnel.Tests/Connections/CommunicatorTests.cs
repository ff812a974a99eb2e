using Microsoft.AspNetCore.Builder;
using Runnel.Specification;
using Runnel.Testing;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The testing kit's client: what applications' tests rely on.</summary>
public sealed class CommunicatorTests
{
    [Fact]
    public async Task Text_json_and_bytes_go_both_ways()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendJsonAsync(new { Hello = "wörld" });
        Assert.Equal("wörld", (await client.ReceiveJsonAsync()).GetProperty("hello").GetString());
        await client.SendBinaryAsync(new byte[] { 7 });
        Assert.Equal([7], await client.ReceiveBinaryAsync());
    }

    [Fact]
    public async Task Json_is_read_as_a_value_as_the_web_writes_it()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync("""{ "to": "wörld", "times": "3" }""");

        Assert.Equal(new Greeting("wörld", 3), await client.ReceiveJsonAsync<Greeting>());
    }

    [Fact]
    public async Task A_message_in_place_of_a_close_fails_with_what_came()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync("a text");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(client.ReceiveCloseAsync);
        Assert.Contains("a text", failure.Message, StringComparison.Ordinal);
        Assert.Null(client.CloseCode);
    }

    [Fact]
    public async Task Something_else_than_expected_fails_with_what_came()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync("a text");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(client.ReceiveBinaryAsync);
        Assert.Contains("a text", failure.Message, StringComparison.Ordinal);
        await client.SendTextAsync("close");
        failure = await Assert.ThrowsAsync<InvalidOperationException>(client.ReceiveTextAsync);
        Assert.Contains("4000 'as told'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_in_vain_fails_with_what_was_waited_for()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");
        client.Timeout = TimeSpan.FromMilliseconds(20);

        var failure = await Assert.ThrowsAsync<TimeoutException>(client.ReceiveTextAsync);

        Assert.Contains("/ws", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Looking_whether_nothing_comes_loses_nothing_that_does()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.True(await client.ReceivesNothingAsync(TimeSpan.FromMilliseconds(5)));
        foreach (var text in new[] { "", "one", new string('x', 10_000) })
        {
            await client.SendTextAsync(text);
            await Wait.Until(() => !client.ReceivesNothingAsync(TimeSpan.FromMilliseconds(5)).GetAwaiter().GetResult(), "it has come");
            Assert.Equal(text, await client.ReceiveTextAsync());
        }
        await client.SendTextAsync("close");
        await Wait.Until(() => !client.ReceivesNothingAsync(TimeSpan.FromMilliseconds(5)).GetAwaiter().GetResult(), "it has come");
        Assert.Equal(4000, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task Disconnecting_skips_what_comes_before_the_answer()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");
        for (var i = 0; i < 10; i++)
            await client.SendTextAsync($"{i}");

        await client.DisconnectAsync(4009);

        Assert.Equal(4009, client.CloseCode);
        await Wait.Until(() => app.Node.ConnectionCount == 0, "the server has noticed");
    }

    [Fact]
    public async Task Breaking_off_ends_the_consumer_with_1006()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/ws");

        client.Abort();

        Assert.Equal("end 1006", await app.Journal.NextAsync());
    }

    [Fact]
    public async Task Using_it_unconnected_fails_with_what_to_do()
    {
        await using var app = await StartAsync();
        await using var client = new WebSocketCommunicator(app.Server, "/ws");

        Assert.Contains("ConnectAsync", (await Assert.ThrowsAsync<InvalidOperationException>(() => client.SendTextAsync("x"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_that_is_mapped_to_nothing_is_refused_with_404()
    {
        await using var app = await StartAsync();
        await using var client = app.Communicator("/nowhere");

        Assert.False(await client.ConnectAsync());
        Assert.Equal(404, client.RefusedWith);
    }

    private sealed record Greeting(string To, int Times);

    private static Task<RunnelApp> StartAsync() => RunnelApp.StartInMemoryAsync(app => app.MapConsumer("/ws", c => c
        .OnReceive((text, connection, ct) => text == "close" ? connection.CloseAsync(4000, "as told", ct) : connection.SendAsync(text, ct).AsTask())
        .OnReceiveBinary((data, connection, ct) => connection.SendAsync(data, ct).AsTask())
        .OnDisconnect((code, _) =>
        {
            ((Journal)app.Services.GetService(typeof(Journal))!).Write($"end {code}");
            return Task.CompletedTask;
        })));
}
