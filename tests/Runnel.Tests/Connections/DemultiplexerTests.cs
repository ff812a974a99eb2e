using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What comes and goes on a socket of many streams: which stream it is for, and what is refused.</summary>
public abstract class DemultiplexerTests : StreamTests
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
    [InlineData(64, "")]
    [InlineData(65, "…")]
    public async Task The_answer_to_an_unknown_stream_echoes_64_characters_of_its_name(int length, string rest)
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync($$"""{"stream":"{{new string('x', length)}}","payload":1}""");

        Assert.Equal(new string('x', 64) + rest, (await client.ReceiveJsonAsync()).GetProperty("stream").GetString());
    }

    [Theory]
    [InlineData("""{"stream":"\ud800","payload":1}""", null)]
    [InlineData("""{"stream":"\udc00","payload":1}""", null)]
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
    public void Two_streams_of_one_name_and_a_stream_without_one_are_refused()
    {
        var builder = new DemultiplexerBuilder().Stream("a", _ => { });

        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => builder.Stream("a", _ => { })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => builder.Stream("", _ => { }));
    }
}
