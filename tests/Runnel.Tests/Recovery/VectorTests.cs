using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

public sealed partial class VectorTests : IAsyncLifetime
{
    private readonly TornBackplane _backplane = new(new InMemoryBackplane(TimeProvider.System));
    private readonly Dictionary<string, string> _names = [];
    private readonly Dictionary<string, Queue<JsonNode>> _received = [];
    private RunnelApp _app = null!;
    private ClientWebSocket? _socket;

    public static TheoryData<string> Titles => [.. Vectors.All.Keys];

    public async ValueTask InitializeAsync() => _app = await RunnelApp.StartAsync(
        app =>
        {
            app.MapDemultiplexer("/shared", streams => streams.Stream<VectorArticles>("articles").Stream<VectorEcho>("echo"));
            app.MapConsumer<VectorArticles>("/own");
            app.MapConsumer<VectorRefusal>("/refused");
        },
        builder => builder.With(_backplane).With((RunnelOptions options) => options.KeepHistory("articles", new Retention(100, TimeSpan.FromMinutes(2)))));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public void The_protocol_has_test_vectors() => Assert.True(Vectors.All.Count >= 7);

    [Theory]
    [MemberData(nameof(Titles))]
    public async Task The_server_speaks_as_the_protocol_says(string title)
    {
        foreach (var line in Vectors.All[title])
        {
            var (verb, rest) = (line.Split(' ')[0], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            await (verb switch
            {
                "connect" => ConnectAsync(rest),
                ">" => _socket!.SendTextAsync(Known(rest)),
                "<" => ExpectAsync(JsonNode.Parse(rest)!),
                "cut" => CutAsync(),
                "send" => _app.Groups.SendJsonAsync(rest.Split(' ')[0], JsonElement.Parse(rest[rest.IndexOf(' ', StringComparison.Ordinal)..])).AsTask(),
                "event" => SendEventAsync(rest.Split(' ', 3)),
                "gap" => TearAsync(rest),
                "closed" => ExpectCloseAsync(int.Parse(rest, null)),
                _ => throw new FormatException($"'{line}' is not a line of a test vector."),
            });
        }
        Assert.All(_received.Values, Assert.Empty);
    }

    private async Task ConnectAsync(string path)
    {
        _received.Clear();
        _socket = await _app.ConnectAsync(path, options => options.AddSubProtocol(ClientHello.Subprotocol));
        Assert.Equal(ClientHello.Subprotocol, _socket.SubProtocol);
    }

    private Task CutAsync()
    {
        _socket!.Abort();
        return Task.CompletedTask;
    }

    private async Task SendEventAsync(string[] parts) => await _app.Groups.SendEventAsync(parts[0], parts[1], JsonElement.Parse(parts[2]));

    private Task TearAsync(string group)
    {
        _backplane.Tear(group);
        return Task.CompletedTask;
    }

    private async Task ExpectAsync(JsonNode expected)
    {
        var stream = StreamOf(expected);
        while (!_received.TryGetValue(stream, out var queue) || queue.Count == 0)
        {
            var next = JsonNode.Parse(await _socket!.ReceiveTextAsync())!;
            if (!_received.TryGetValue(StreamOf(next), out queue))
                _received[StreamOf(next)] = queue = new();
            queue.Enqueue(next);
        }
        var actual = _received[stream].Dequeue();
        Assert.True(Fits(expected, actual), $"Expected {expected.ToJsonString()}, got {actual.ToJsonString()}.");
    }

    private async Task ExpectCloseAsync(int code)
    {
        Assert.All(_received.Values, Assert.Empty);
        var (type, content) = await _socket!.ReceiveAsync();
        Assert.True(type == WebSocketMessageType.Close, System.Text.Encoding.UTF8.GetString(content));
        Assert.Equal(code, (int?)_socket!.CloseStatus);
    }

    private static string StreamOf(JsonNode message) => (string?)message["stream"] ?? "";

    private bool Fits(JsonNode? expected, JsonNode? actual) => (expected, actual) switch
    {
        (JsonObject these, JsonObject those) => these.Count == those.Count && these.All(member => those.ContainsKey(member.Key) && Fits(member.Value, those[member.Key])),
        (JsonArray these, JsonArray those) => these.Count == those.Count && these.Zip(those).All(pair => Fits(pair.First, pair.Second)),
        (JsonValue a, JsonValue b) when a.GetValueKind() == JsonValueKind.String && b.GetValueKind() == JsonValueKind.String => Fits((string)a!, (string)b!),
        _ => JsonNode.DeepEquals(expected, actual),
    };

    // A name stands for a string that is not known beforehand, and from then on for that one.
    private bool Fits(string expected, string actual)
    {
        var unknown = new List<string>();
        var pattern = Name().Replace(Regex.Escape(expected).Replace("\\$", "$", StringComparison.Ordinal), match =>
        {
            var name = match.Groups[1].Value;
            if (_names.TryGetValue(name, out var known))
                return Regex.Escape(known);
            unknown.Add(name);
            return $"(?<{name}>[^.]+(?:\\.[^.]+)?)";
        });
        var fit = Regex.Match(actual, $"^{pattern}$");
        foreach (var name in unknown)
            _names[name] = fit.Groups[name].Value;
        return fit.Success;
    }

    private string Known(string text) => Name().Replace(text, match => _names[match.Groups[1].Value]);

    [GeneratedRegex(@"\$(\w+)")]
    private static partial Regex Name();
}
