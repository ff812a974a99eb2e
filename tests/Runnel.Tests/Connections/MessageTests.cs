using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Text, bytes and JSON between a client and its consumer.</summary>
public abstract class MessageTests : ConsumerTests
{
    public sealed class BesideTheSocket : MessageTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : MessageTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task Text_and_bytes_come_through_as_they_are()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", Echo));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync("grüße 🌊");
        Assert.Equal("grüße 🌊", await client.ReceiveTextAsync());
        await client.SendTextAsync("");
        Assert.Equal("", await client.ReceiveTextAsync());
        await client.SendBinaryAsync(new byte[] { 0, 255, 1 });
        Assert.Equal([0, 255, 1], await client.ReceiveBinaryAsync());
    }

    [Theory]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(300_000)]
    public async Task Messages_of_every_length_come_through_a_real_socket(int length)
    {
        await using var app = await StartAsync(app => app.MapConsumer("/ws", Echo));
        var client = await app.ConnectAsync("/ws");
        var text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))));

        await client.SendTextAsync(text);

        Assert.Equal(text, await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task Json_is_read_and_written()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Adder>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendJsonAsync(new { a = 2, b = 3 });

        Assert.Equal("""{"sum":5,"text":"käse"}""", await client.ReceiveTextAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"a\":1} {\"a\":2}")]
    [InlineData("[1,]")]
    [InlineData("""{"a":2,"b":3,"c":"\ud800"}""")]
    [InlineData("""{"a":2,"b":3,"c":"\udc00"}""")]
    [InlineData("""{"a":2,"b":3,"\udc00\ud800":1}""")]
    public async Task Text_that_is_no_json_closes_a_json_consumer_with_1007(string text)
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Adder>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync(text);

        Assert.Equal(CloseCode.InvalidPayload, await client.ReceiveCloseAsync());
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task Bytes_close_a_json_consumer_with_1003()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Adder>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendBinaryAsync("{}"u8.ToArray());

        Assert.Equal(CloseCode.UnsupportedData, await client.ReceiveCloseAsync());
    }

    [Fact]
    public async Task A_consumer_that_takes_nothing_closes_with_1003_rather_than_ignore()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", _ => { }));
        await using var text = await app.ConnectInMemoryAsync("/ws");
        await using var bytes = await app.ConnectInMemoryAsync("/ws");

        await text.SendTextAsync("hello");
        await bytes.SendBinaryAsync(new byte[1]);

        Assert.Equal(CloseCode.UnsupportedData, await text.ReceiveCloseAsync());
        Assert.Equal(CloseCode.UnsupportedData, await bytes.ReceiveCloseAsync());
    }

    [Fact]
    public async Task A_json_consumer_that_takes_nothing_closes_with_1003_rather_than_ignore()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Silent>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendJsonAsync(new { a = 1 });

        Assert.Equal(CloseCode.UnsupportedData, await client.ReceiveCloseAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(100_000)]
    public async Task A_message_at_the_limit_passes_and_one_byte_more_closes_with_1009(int limit)
    {
        await using var app = await StartAsync(app => app.MapConsumer("/ws", Echo, options => options.MaxMessageBytes = limit));
        var client = await app.ConnectAsync("/ws");

        await client.SendTextAsync(new string('x', limit));
        Assert.Equal(limit, (await client.ReceiveTextAsync()).Length);
        await client.SendTextAsync(new string('x', limit + 1));

        Assert.Equal(CloseCode.MessageTooBig, await client.ReceiveToCloseAsync());
    }

    [Fact]
    public async Task A_message_much_too_large_is_not_taken_in_and_its_sender_still_learns_why()
    {
        await using var app = await StartAsync(
            app => app.MapConsumer("/ws", Echo, options => options.MaxMessageBytes = 1000),
            static builder => builder.With(static (GatewayOptions options) => options.CloseTimeout = TimeSpan.FromMinutes(1))); // reading it out rests several times, each for longer on a busy machine
        var client = await app.ConnectAsync("/ws");

        var sending = client.SendAsync(new byte[8 * 1024 * 1024], System.Net.WebSockets.WebSocketMessageType.Binary, true, CancellationToken.None);

        Assert.Equal(CloseCode.MessageTooBig, await client.ReceiveToCloseAsync());
        await Wait.For(sending, "the client to be read out");
    }

    [Fact]
    public async Task Pieces_of_a_message_are_put_together_also_with_a_ping_between_them()
    {
        await using var app = await StartAsync(app => app.MapConsumer("/ws", Echo));
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync(1, "Hel"u8, final: false);
        await client.SendFrameAsync(0, ""u8, final: false);
        await client.SendFrameAsync(9, "there?"u8);
        await client.SendFrameAsync(0, "lo"u8);

        var (pong, content) = await client.ReadFrameAsync();
        Assert.Equal((10, "there?"), (pong, Encoding.UTF8.GetString(content)));
        var (text, echo) = await client.ReadFrameAsync();
        Assert.Equal((1, "Hello"), (text, Encoding.UTF8.GetString(echo)));
    }

    [Fact]
    public async Task A_message_in_pieces_may_not_be_larger_than_one_in_a_piece()
    {
        await using var app = await StartAsync(app => app.MapConsumer("/ws", Echo, options => options.MaxMessageBytes = 10));
        var client = await app.ConnectRawAsync("/ws");

        await client.SendFrameAsync(1, "123456"u8, final: false);
        await client.SendFrameAsync(0, "123456"u8, final: false);

        Assert.Equal(CloseCode.MessageTooBig, await client.ReadCloseAsync());
    }

    private static void Echo(ConsumerBuilder consumer) => consumer
        .OnReceive((text, connection) => connection.SendAsync(text))
        .OnReceiveBinary((data, connection, ct) => connection.SendAsync(data, ct).AsTask());

    public sealed class Silent : JsonWebSocketConsumer;

    public sealed class Adder : JsonWebSocketConsumer
    {
        public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) =>
            SendJsonAsync(new { Sum = message.GetProperty("a").GetInt32() + message.GetProperty("b").GetInt32(), Text = "käse" }, cancellationToken).AsTask();
    }
}
