using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Consumers;
using Runnel.Specification;
using Runnel.Testing;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Many streams on one socket.</summary>
public abstract class DemultiplexerTests : ConsumerTests
{
    public sealed class BesideTheSocket : DemultiplexerTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : DemultiplexerTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task Each_stream_has_a_consumer_of_its_own()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"json","payload":{"a":1}}""");
        Assert.Equal("""{"stream":"json","payload":{"got":{"a":1}}}""", await client.ReceiveTextAsync());
        await client.SendTextAsync("""{"stream":"text","payload":"hello"}""");
        Assert.Equal("""{"stream":"text","payload":"hello"}""", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task A_text_consumer_gets_the_text_of_a_string_and_the_json_of_anything_else()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"text","payload":"with \"quotes\" and ü"}""");
        Assert.Equal("with \"quotes\" and ü", (await client.ReceiveJsonAsync()).GetProperty("payload").GetString());
        await client.SendTextAsync("""{"stream":"text","payload":[1, 2]}""");
        Assert.Equal("[1, 2]", (await client.ReceiveJsonAsync()).GetProperty("payload").GetString());
    }

    [Fact]
    public async Task A_stream_that_there_is_not_is_answered_with_those_that_there_are()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"nowhere","payload":1}""");
        await client.SendTextAsync("""{"payload":1}""");
        await client.SendTextAsync("""{"stream":7,"payload":1}""");

        var answer = await client.ReceiveJsonAsync();
        Assert.Equal("nowhere", answer.GetProperty("stream").GetString());
        Assert.Contains("'json', 'text'", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, (await client.ReceiveJsonAsync()).GetProperty("stream").ValueKind);
        Assert.Equal(JsonValueKind.Null, (await client.ReceiveJsonAsync()).GetProperty("stream").ValueKind);
        await EchoAsync(client);
    }

    [Fact]
    public async Task The_answer_to_an_unknown_stream_does_not_echo_a_long_name()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync($$"""{"stream":"{{new string('x', 63)}}🌊{{new string('y', 100_000)}}","payload":1}""");

        Assert.Equal(new string('x', 63) + "…", (await client.ReceiveJsonAsync()).GetProperty("stream").GetString());
        await EchoAsync(client);
    }

    [Theory]
    [InlineData("""{"stream":"\ud800","payload":1}""", null)]
    [InlineData("""{"stream":"text","payload":"half \ud83c"}""", "text")]
    [InlineData("""{"stream":"json","payload":{"a":["\udf0a"]}}""", "json")]
    [InlineData("""{"stream":"json","payload":"\ud83c\ud83c"}""", "json")]
    [InlineData("""{"stream":"json","payload":"\ud83c\n"}""", "json")]
    [InlineData("""{"stream":"json","payload":{"\ud83c\ud83c\udf0a":1}}""", "json")]
    public async Task Half_a_character_is_answered_and_the_socket_goes_on(string text, string? stream)
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync(text);

        var answer = await client.ReceiveJsonAsync();
        Assert.Equal(stream, answer.GetProperty("stream").GetString());
        Assert.Contains("character", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        await EchoAsync(client);
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task Characters_that_are_escaped_come_through()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"text","payload":"\ud83c\udf0a \u00fc \\ud800"}""");

        Assert.Equal("🌊 ü \\ud800", (await client.ReceiveJsonAsync()).GetProperty("payload").GetString());
    }

    [Fact]
    public async Task Half_a_character_that_a_consumer_sends_is_replaced()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("half", c => c.OnReceive((_, connection) => connection.SendAsync("half \ud83c"))).Stream("text", Echo)));
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"half","payload":1}""");

        Assert.Equal("half \ufffd", (await client.ReceiveJsonAsync()).GetProperty("payload").GetString());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"stream":"text"}""")]
    [InlineData("""{"ping":1}""")]
    public async Task What_is_no_frame_closes_the_socket_with_1007(string text)
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync(text);

        Assert.Equal(CloseCode.InvalidPayload, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task Bytes_close_the_socket_with_1003()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendBinaryAsync(new byte[1]);

        Assert.Equal(CloseCode.UnsupportedData, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task A_stream_that_fails_tells_its_client_leaves_its_groups_and_hurts_no_other()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);
        Assert.Equal(1, app.Registry.CountOf("json"));

        await client.SendTextAsync("""{"stream":"json","payload":"fail"}""");
        Assert.Equal("""{"stream":"json","close":{"code":1011,"reason":"The server failed to handle this connection."}}""", await client.ReceiveTextAsync());
        Assert.Equal(0, app.Registry.CountOf("json"));
        Assert.Equal("json end 1011", await app.Journal.NextAsync());
        Assert.Single(app.Logs.Of(1001));

        await client.SendTextAsync("""{"stream":"json","payload":1}""");
        Assert.Contains("closed", (await client.ReceiveJsonAsync()).GetProperty("error").GetString(), StringComparison.Ordinal);
        await EchoAsync(client);
    }

    [Fact]
    public async Task A_stream_that_closes_twice_says_so_once()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"json","payload":"close twice"}""");

        Assert.Equal("""{"stream":"json","close":{"code":4000,"reason":"first"}}""", await client.ReceiveTextAsync());
        await EchoAsync(client);
        Assert.Equal("json end 4000", await app.Journal.NextAsync());
        await client.DisconnectAsync();
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
        Assert.Equal(0, app.Journal.Unread);
    }

    [Fact]
    public async Task A_stream_that_rejects_or_decides_nothing_is_closed_and_the_others_are_open()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("rejects", c => c.OnConnect((connection, ct) => connection.RejectAsync(ct)))
            .Stream("nothing", c => c.OnConnect((_, _) => Task.CompletedTask))
            .Stream("throws", c => c.OnConnect((_, _) => throw new InvalidOperationException("as told")))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        foreach (var (name, code) in new[] { ("rejects", 1008), ("nothing", 1008), ("throws", 1011) })
        {
            var closed = await client.ReceiveJsonAsync();
            Assert.Equal(name, closed.GetProperty("stream").GetString());
            Assert.Equal(code, closed.GetProperty("close").GetProperty("code").GetInt32());
        }
        await EchoAsync(client);
    }

    [Fact]
    public async Task A_stream_that_was_rejected_cannot_be_accepted()
    {
        Exception? refused = null;
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("rejects", c => c.OnConnect(async (connection, ct) =>
            {
                await connection.RejectAsync(ct);
                refused = await Record.ExceptionAsync(() => connection.AcceptAsync(AcceptOptions.Default, ct));
            }))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Contains("1008", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);

        Assert.Contains("'rejects'", Assert.IsType<InvalidOperationException>(refused).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_consumer_sends_on_a_stream_that_it_closed_does_not_reach_the_client()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("hasty", c => c.OnReceive(async (_, connection, ct) =>
            {
                await connection.CloseAsync(4000, "hasty", ct);
                await connection.SendAsync("too late", ct);
            }))
            .Stream("text", Echo)));
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"hasty","payload":1}""");

        Assert.Contains("4000", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task A_stream_that_closes_while_it_connects_says_nothing_after_its_close()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("hasty", c => c.OnConnect(async (connection, ct) =>
            {
                var groups = app.Services.GetRequiredService<IGroups>();
                await connection.AcceptAsync(AcceptOptions.Default, ct);
                await groups.AddAsync("news", connection.ChannelName, ct);
                await groups.SendAsync("news", "held back", ct);
                await connection.CloseAsync(4000, "hasty", ct);
            }))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Contains("4000", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);
    }

    [Fact]
    public async Task Group_messages_come_in_the_streams_frames_whatever_they_are()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await app.Groups.SendAsync("json", "plain \"text\"");
        await app.Groups.SendJsonAsync("json", new { A = 1 });
        await app.Groups.SendAsync("json", new byte[] { 1, 2, 3 });
        await app.Groups.SendEventAsync("json", "tick", 9);

        Assert.Equal("""{"stream":"json","payload":"plain \"text\""}""", await client.ReceiveTextAsync());
        Assert.Equal("""{"stream":"json","payload":{"a":1}}""", await client.ReceiveTextAsync());
        Assert.Equal("""{"stream":"json","payload":"AQID"}""", await client.ReceiveTextAsync());
        Assert.Equal("""{"stream":"json","payload":{"tick":9}}""", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task The_end_of_the_socket_ends_all_its_streams_with_its_code()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);
        Assert.Equal(InAWorker ? 1 : 3, app.Node.ConnectionCount);

        await client.DisconnectAsync(4007);

        Assert.Equal("json end 4007", await app.Journal.NextAsync());
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
        Assert.Equal(0, app.Registry.CountOf("json"));
    }

    [Fact]
    public async Task A_message_that_races_with_its_streams_end_never_holds_the_socket_up()
    {
        Connection? stream = null;
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer(
            "/ws",
            d => d.Stream("racing", c => c.OnConnect((connection, ct) =>
            {
                stream = connection;
                return connection.AcceptAsync(AcceptOptions.Default, ct);
            }).OnReceive((_, _) => ValueTask.CompletedTask)).Stream("text", Echo),
            options => options.MaxMessageBurst = 100_000));

        for (var round = 0; round < 50; round++)
        {
            await using var client = await app.ConnectInMemoryAsync("/ws");
            await Wait.Until(() => stream is not null, "the stream is there");
            var closing = Task.Run(() => stream!.CloseAsync(4000));
            for (var i = 0; i < 5; i++)
                await client.SendTextAsync("""{"stream":"racing","payload":1}""");
            await closing;
            await client.SendTextAsync("""{"stream":"text","payload":"through"}""");
            while (!(await client.ReceiveTextAsync()).Contains("through", StringComparison.Ordinal))
            {
                // the close, and answers that the stream is closed
            }
            stream = null;
            await client.DisconnectAsync();
        }
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
    }

    [Fact]
    public async Task A_message_for_a_session_that_has_ended_is_refused_at_once()
    {
        var turn = ConsumerTurn.Taken();
        turn.PassOn();
        Assert.True(turn.TakeForEndAsync().IsCompleted);

        Assert.False(await Wait.For(turn.TakeAsync(), "the answer"));
    }

    [Fact]
    public void Two_streams_of_one_name_and_a_stream_without_one_are_refused()
    {
        var builder = new DemultiplexerBuilder().Stream("a", _ => { });

        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => builder.Stream("a", _ => { })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => builder.Stream("", _ => { }));
    }

    private Task<RunnelApp> StartAsync() => StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d.Stream<JsonStream>("json").Stream("text", Echo)));

    // Accepted is not yet connected: the streams connect one after another then.
    private static async Task<WebSocketCommunicator> ConnectAsync(RunnelApp app)
    {
        var client = await app.ConnectInMemoryAsync("/ws");
        await EchoAsync(client);
        return client;
    }

    private static void Echo(ConsumerBuilder consumer) => consumer.OnReceive((text, connection) => connection.SendAsync(text));

    private static async Task EchoAsync(WebSocketCommunicator client)
    {
        await client.SendTextAsync("""{"stream":"text","payload":"still here"}""");
        Assert.Equal("""{"stream":"text","payload":"still here"}""", await client.ReceiveTextAsync());
    }

    public sealed class JsonStream(Journal journal) : JsonWebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("json", cancellationToken);
        }

        public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken)
        {
            switch (message.ValueKind == JsonValueKind.String ? message.GetString() : null)
            {
                case "fail":
                    throw new InvalidOperationException("as told");
                case "close twice":
                    await CloseAsync(4000, "first", cancellationToken);
                    await CloseAsync(4001, "second", cancellationToken);
                    break;
                default:
                    await SendJsonAsync(new { Got = message }, cancellationToken);
                    break;
            }
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"json end {code}");
            return Task.CompletedTask;
        }

        [Handles("tick")]
        public ValueTask OnTickAsync(int tick) => SendJsonAsync(new { Tick = tick });
    }
}
