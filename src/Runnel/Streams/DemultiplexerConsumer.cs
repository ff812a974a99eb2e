using System.Runtime.InteropServices;
using System.Text.Json;
using Runnel.Frames;

namespace Runnel.Streams;

/// <summary>The consumer of a shared socket: hands each frame to the consumer of its stream.</summary>
/// <remarks>
/// A frame for a stream that does not exist, or is closed, is answered with a sentence; the socket and its other streams go on. A stream
/// whose consumer closes it or fails tells the client so, and stays closed until the client connects again.
/// </remarks>
/// <param name="builder">The streams; one without a name has the socket to itself.</param>
/// <param name="isGreeted">Whether the client speaks <c>runnel.v1</c>.</param>
internal sealed class DemultiplexerConsumer(DemultiplexerBuilder builder, bool isGreeted = false) : WebSocketConsumer
{
    private const int MostEchoed = 64;

    private readonly Dictionary<string, StreamConnection> _streams = [];

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        foreach (var (name, descriptor) in builder.Streams)
        {
            var stream = new StreamConnection(Context, name, descriptor);
            _streams.Add(name, stream);
            await stream.ConnectAsync();
        }
    }

    public override Task OnReceiveAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        CloseAsync(CloseCode.UnsupportedData, "A shared socket takes JSON text, not bytes.", cancellationToken);

    public override async Task OnAdoptAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, descriptor) in builder.Streams)
        {
            var stream = new StreamConnection(Context, name, descriptor);
            _streams.Add(name, stream);
            await stream.AdoptAsync();
        }
    }

    public override async Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        foreach (var stream in _streams.Values)
            await stream.DisconnectAsync(code);
    }

    internal override Task OnRestAsync() => Task.WhenAll(_streams.Values.Select(static stream => stream.RestAsync()));

    internal override Task OnReleaseAsync() => Task.WhenAll(_streams.Values.Select(static stream => stream.ReleaseAsync()));

    internal override Task OnTextAsync(ReadOnlyMemory<byte> utf8, CancellationToken cancellationToken)
    {
        if (!TryParse(utf8, out var name, out var payload))
        {
            if (isGreeted && TryParsePing(utf8, out var number))
                return Connection.SendFrameAsync(ProtocolFrame.Pong(number), cancellationToken).AsTask();
            return CloseAsync(CloseCode.InvalidPayload, "A message here is JSON: {\"stream\": name, \"payload\": …}.", cancellationToken);
        }
        if (!JsonText.IsText(utf8.Span))
            return AnswerAsync(name, "The message has half of a character (a surrogate without the other one); it was left.", cancellationToken);
        if (_streams.TryGetValue("", out var only))
            return HandOnAsync(only, "", payload, cancellationToken);
        if (name is not null && _streams.TryGetValue(name, out var stream))
            return HandOnAsync(stream, name, payload, cancellationToken);
        var known = string.Join(", ", _streams.Keys.Order(StringComparer.Ordinal).Select(key => $"'{key}'"));
        return AnswerAsync(name, $"There is no stream of that name here; there are {known}.", cancellationToken);
    }

    private async Task HandOnAsync(StreamConnection stream, string name, JsonElement payload, CancellationToken cancellationToken)
    {
        if (!await stream.TryReceiveAsync(payload))
            await AnswerAsync(name, "This stream is closed. Connect again to open it.", cancellationToken);
    }

    // A client's own text is not sent back at length: it would wait in memory for as long as the client likes.
    private Task AnswerAsync(string? stream, string sentence, CancellationToken cancellationToken)
    {
        if (stream is { Length: > MostEchoed })
            stream = $"{stream.AsSpan(0, char.IsHighSurrogate(stream[MostEchoed - 1]) ? MostEchoed - 1 : MostEchoed)}…";
        return Connection.SendFrameAsync(StreamFrame.Error(stream, sentence), cancellationToken).AsTask();
    }

    private static bool TryParse(ReadOnlyMemory<byte> utf8, out string? stream, out JsonElement payload)
    {
        (stream, payload) = (null, default);
        if (!JsonText.TryParse(utf8.Span, out var frame) || frame.ValueKind != JsonValueKind.Object || !frame.TryGetProperty("payload"u8, out payload))
            return false;
        if (frame.TryGetProperty("stream"u8, out var name) && name.ValueKind == JsonValueKind.String && JsonText.IsText(JsonMarshal.GetRawUtf8Value(name)))
            stream = name.GetString();
        return true;
    }

    private static bool TryParsePing(ReadOnlyMemory<byte> utf8, out long number)
    {
        number = 0;
        return JsonText.TryParse(utf8.Span, out var frame) && frame.ValueKind == JsonValueKind.Object && frame.TryGetProperty("ping"u8, out var ping)
            && ping.ValueKind == JsonValueKind.Number && ping.TryGetInt64(out number);
    }
}
