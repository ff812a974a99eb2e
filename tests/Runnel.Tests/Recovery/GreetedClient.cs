using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Runnel.Tests.Connections;

namespace Runnel.Tests.Recovery;

/// <summary>A client of <c>runnel.v1</c>: keeps its positions by the rules of docs/protocol.md, and shows them when it comes back.</summary>
internal sealed class GreetedClient(string name = "1f6b0c9e")
{
    private readonly Dictionary<(string Stream, string Tag), (string Position, string Seal)> _table = [];
    private readonly HashSet<string> _streams = [];
    private ClientWebSocket? _socket;

    /// <summary>What the last hello brought for each stream.</summary>
    public Dictionary<string, JsonElement> Joined { get; } = [];

    /// <summary>The advice that came before the close of the last connection.</summary>
    public JsonElement? Advice { get; private set; }

    /// <summary>The client's positions with their seals.</summary>
    public IReadOnlyCollection<(string Position, string Seal)> Positions => _table.Values;

    /// <summary>Connects, says hello with what it has, and reads the server's hello.</summary>
    public async Task ConnectAsync(RunnelApp app, string path, Action<ClientWebSocketOptions>? configure = null)
    {
        Advice = null;
        Joined.Clear();
        _streams.Clear();
        _socket = await app.ConnectAsync(path, options =>
        {
            options.AddSubProtocol(ClientHello.Subprotocol);
            configure?.Invoke(options);
        });
        var positions = _table.Select(entry => entry.Key.Stream.Length == 0
            ? (object)new { position = entry.Value.Position, seal = entry.Value.Seal }
            : new { stream = entry.Key.Stream, position = entry.Value.Position, seal = entry.Value.Seal });
        await _socket.SendTextAsync(JsonSerializer.Serialize(new { hello = new { version = 1, client = name, positions } }));
        if (!(await ReceiveAsync()).TryGetProperty("hello", out _))
            throw new InvalidOperationException("The server's first message is no hello.");
    }

    /// <summary>Reads until a stream has joined.</summary>
    /// <returns>The outcomes of its groups.</returns>
    public async Task<string[]> ReceiveJoinedAsync(string stream = "")
    {
        while (!Joined.ContainsKey(stream))
            await ReceiveAsync();
        return [.. Joined[stream].GetProperty("joined").EnumerateArray().Select(entry => entry.GetProperty("outcome").GetString()!)];
    }

    /// <summary>Reads until the next payload.</summary>
    public async Task<JsonElement> ReceivePayloadAsync() => (await ReceiveMessageAsync()).Payload;

    /// <summary>Reads until the next payload.</summary>
    public async Task<(string Stream, JsonElement Payload)> ReceiveMessageAsync()
    {
        while (true)
        {
            var message = await ReceiveAsync();
            if (message.TryGetProperty("payload", out var payload))
                return (StreamOf(message), payload);
        }
    }

    /// <summary>Reads to the close.</summary>
    public async Task<int> ReceiveCloseAsync()
    {
        while (true)
        {
            var (type, content) = await _socket!.ReceiveAsync();
            if (type == WebSocketMessageType.Close)
            {
                await _socket!.AnswerCloseAsync();
                return (int?)_socket!.CloseStatus ?? 0;
            }
            Take(JsonElement.Parse(content));
        }
    }

    public Task SendTextAsync(string text) => _socket!.SendTextAsync(text);

    /// <summary>Breaks off.</summary>
    public void Cut() => _socket!.Abort();

    /// <summary>Shows something else at the next hello.</summary>
    public void Show(string position, string seal, string stream = "") => _table[(stream, TagOf(position))] = (position, seal);

    /// <summary>Reads the next message, and does what a client does with it.</summary>
    public async Task<JsonElement> ReceiveAsync()
    {
        var (type, content) = await _socket!.ReceiveAsync();
        if (type != WebSocketMessageType.Text)
            throw new InvalidOperationException($"{type} came: {_socket!.CloseStatus} {_socket.CloseStatusDescription} {Encoding.UTF8.GetString(content)}");
        var message = JsonElement.Parse(content);
        Take(message);
        return message;
    }

    private void Take(JsonElement message)
    {
        var stream = StreamOf(message);
        if (message.TryGetProperty("close", out var advice) && !message.TryGetProperty("stream", out _))
            Advice = advice;
        if (message.TryGetProperty("joined", out var joined))
            TakeJoined(stream, joined, message);
        if (message.TryGetProperty("position", out var position) && _table.TryGetValue((stream, TagOf(position.GetString()!)), out var known))
            _table[(stream, TagOf(position.GetString()!))] = (position.GetString()!, known.Seal);
        if (message.TryGetProperty("gap", out var gap))
            _table.Remove((stream, gap.GetString()!));
        if (message.TryGetProperty("left", out var left))
            _table.Remove((stream, left.GetString()!));
    }

    private void TakeJoined(string stream, JsonElement joined, JsonElement message)
    {
        if (_streams.Add(stream))
        {
            Joined[stream] = message;
            foreach (var key in _table.Keys.Where(key => key.Stream == stream).ToList())
                _table.Remove(key);
        }
        foreach (var entry in joined.EnumerateArray())
        {
            if (entry.TryGetProperty("position", out var position))
                _table[(stream, TagOf(position.GetString()!))] = (position.GetString()!, entry.GetProperty("seal").GetString()!);
        }
    }

    private static string StreamOf(JsonElement message) => message.TryGetProperty("stream", out var stream) ? stream.GetString()! : "";

    private static string TagOf(string position) => position.Split('.')[0];
}
