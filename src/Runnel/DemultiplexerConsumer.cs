using System.Text.Json;

namespace Runnel;

/// <summary>The consumer of a shared socket: hands each frame to the consumer of its stream.</summary>
/// <remarks>
/// A frame for a stream that there is not, or that is closed, is answered with a sentence; the socket and its other streams go on. A stream
/// whose consumer closes it or fails tells the client so and is gone until the client connects anew.
/// </remarks>
internal sealed class DemultiplexerConsumer(DemultiplexerBuilder builder) : WebSocketConsumer
{
    private readonly Dictionary<string, StreamConnection> _streams = [];

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        foreach (var (name, descriptor) in builder.Streams)
        {
            var stream = new StreamConnection(Connection, name, descriptor);
            _streams.Add(name, stream);
            await stream.ConnectAsync();
        }
    }

    public override Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "A shared socket takes JSON text, not bytes.", cancellationToken);

    public override async Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        foreach (var stream in _streams.Values)
            await stream.DisconnectAsync(code);
    }

    internal override async Task OnTextAsync(ReadOnlyMemory<byte> utf8, CancellationToken cancellationToken)
    {
        if (!TryParse(utf8, out var name, out var payload))
        {
            await CloseAsync(CloseCode.InvalidPayload, "A message here is JSON: {\"stream\": name, \"payload\": …}.", cancellationToken);
            return;
        }
        if (name is null || !_streams.TryGetValue(name, out var stream))
        {
            var known = string.Join(", ", _streams.Keys.Order(StringComparer.Ordinal).Select(key => $"'{key}'"));
            await AnswerAsync(name, $"There is no stream of that name here; there are {known}.", cancellationToken);
            return;
        }
        if (!await stream.TryReceiveAsync(payload))
            await AnswerAsync(name, "This stream is closed; connect anew to open it again.", cancellationToken);
    }

    private ValueTask AnswerAsync(string? stream, string sentence, CancellationToken cancellationToken) =>
        Connection.Outbound.SendAsync(StreamFrame.Error(stream, sentence), cancellationToken);

    private static bool TryParse(ReadOnlyMemory<byte> utf8, out string? stream, out JsonElement payload)
    {
        (stream, payload) = (null, default);
        try
        {
            var frame = JsonElement.Parse(utf8.Span);
            if (frame.ValueKind != JsonValueKind.Object || !frame.TryGetProperty("payload"u8, out payload))
                return false;
            stream = frame.TryGetProperty("stream"u8, out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
