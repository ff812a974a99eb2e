using System.Text;
using System.Text.Json;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;

namespace Runnel.Tests.Recovery;

/// <summary>A connection that nothing carries, whose client speaks <c>runnel.v1</c>.</summary>
internal static class GreetedConnection
{
    public const string Client = "1f6b0c9e";

    /// <summary>A node that keeps history of articles.</summary>
    public static FakeNode CreateNode(IBackplane backplane, TimeProvider? clock = null, Recording.RecordedLog? logs = null, int messages = 1000) =>
        FakeConnection.CreateNode(backplane, clock, logs, options => options.KeepHistory("articles*", new Retention(messages, TimeSpan.FromMinutes(2))));

    /// <summary>Connects with what a client shows.</summary>
    public static async Task<FakeConnection> ConnectAsync<TConsumer>(
        FakeNode node, (string Position, string Seal)? shown = null, string client = Client, OutboundOptions? options = null, Action<FakeWriter>? prepare = null)
        where TConsumer : WebSocketConsumer
    {
        var positions = shown is { } one ? new[] { new { position = one.Position, seal = one.Seal } } : [];
        var said = JsonSerializer.SerializeToUtf8Bytes(new { hello = new { version = 1, client, positions } });
        if (!ClientHello.TryRead(said, out var hello))
            throw new InvalidOperationException(Encoding.UTF8.GetString(said));
        var connection = new FakeConnection(node, Described<TConsumer>.Descriptor, options, hello: hello);
        prepare?.Invoke(connection.Writer);
        await connection.Session.ConnectAsync();
        return connection;
    }

    /// <summary>A client comes and goes again.</summary>
    /// <returns>What it would show.</returns>
    public static async Task<(string Position, string Seal)> VisitAsync<TConsumer>(FakeNode node)
        where TConsumer : WebSocketConsumer
    {
        using var connection = await ConnectAsync<TConsumer>(node);
        await connection.CutAsync();
        return connection.Shown();
    }

    /// <summary>What the client got of one kind.</summary>
    public static IEnumerable<JsonElement> Of(this FakeConnection connection, string member) =>
        connection.Writer.Texts.Where(text => text[0] == '{').Select(text => JsonElement.Parse(text)).Where(message => message.TryGetProperty(member, out _)).Select(message => message.GetProperty(member));

    /// <summary>The payloads that the client got.</summary>
    public static List<string> Payloads(this FakeConnection connection) => [.. connection.Of("payload").Select(payload => payload.ToString())];

    /// <summary>The outcomes that the client was told.</summary>
    public static List<string> Outcomes(this FakeConnection connection) =>
        [.. connection.Of("joined").SelectMany(joined => joined.EnumerateArray()).Select(entry => entry.GetProperty("outcome").GetString()!)];

    /// <summary>What the client would show: its last position, and the seal that it got at joining.</summary>
    public static (string Position, string Seal) Shown(this FakeConnection connection)
    {
        var joined = connection.Of("joined").Last()[0];
        var position = connection.Of("position").Select(at => at.GetString()!).LastOrDefault() ?? joined.GetProperty("position").GetString()!;
        return (position, joined.GetProperty("seal").GetString()!);
    }

    /// <summary>The client is gone.</summary>
    public static Task CutAsync(this FakeConnection connection) => connection.Session.DisconnectAsync(CloseCode.Abnormal);

    /// <summary>Waits until the client got so many payloads.</summary>
    public static Task GotAsync(this FakeConnection connection, int payloads) => Wait.Until(() => connection.Payloads().Count >= payloads, $"{payloads} payloads");

    /// <summary>Waits until the client was told of a gap: the thread pool writes that, perhaps after the consumer has heard of the gap and has closed.</summary>
    public static Task ToldOfGapAsync(this FakeConnection connection) => Wait.Until(() => connection.Of("gap").Any(), "the client is told of the gap");

    /// <summary>Sends numbers to the articles.</summary>
    public static async Task SendAsync(this FakeNode node, int first, int last)
    {
        for (var number = first; number <= last; number++)
            await node.Groups.SendJsonAsync("articles", number);
    }

    // Made once: it compiles the consumer's handlers.
    private static class Described<TConsumer>
        where TConsumer : WebSocketConsumer
    {
        public static readonly ConsumerDescriptor Descriptor = DemultiplexerBuilder.Greeted(ConsumerDescriptor.For<TConsumer>());
    }
}
