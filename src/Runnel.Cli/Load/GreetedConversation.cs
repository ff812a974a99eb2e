using System.Text.Json;
using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>A client of <c>runnel.v1</c>: it keeps its positions by the rules of docs/protocol.md, and comes back as the server asks.</summary>
/// <param name="connection">Its number.</param>
/// <param name="arrivals">What it gets.</param>
/// <param name="deliveries">What all get.</param>
/// <param name="stream">The stream that counts; <see langword="null"/> for a socket of its own.</param>
internal sealed class GreetedConversation(int connection, Arrivals arrivals, Deliveries deliveries, string? stream) : Conversation
{
    private readonly string _client = Guid.NewGuid().ToString("N");
    private readonly ReturnPace _pace = new();
    private Dictionary<string, (string Seal, string Position)> _positions = []; // by tag
    private bool _isJoined;
    private bool _hasJoinedBefore;

    public override Arrivals Arrivals => arrivals;

    public override bool IsReady => _isJoined;

    public override void Opened(Action<string> send)
    {
        _isJoined = false;
        send(JsonSerializer.Serialize(new
        {
            hello = new { version = 1, client = _client, positions = _positions.Values.Select(entry => new { stream, position = entry.Position, seal = entry.Seal }) },
        }, WithoutNulls));
    }

    public override void Take(ReadOnlySpan<byte> message, long now)
    {
        try
        {
            Read(message, now);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw FaultException.Protocol($"The server sent a message that is not one of {LoadSettings.Recovering}: {exception.Message}");
        }
    }

    public override string Wrap(string body) =>
        stream is null ? $$"""{"payload":{{body}}}""" : $$"""{"stream":{{JsonSerializer.Serialize(stream)}},"payload":{{body}}}""";

    public override TimeSpan? ReturnAfter(FaultException end)
    {
        var wait = _pace.After(end, wasJoined: _isJoined);
        _isJoined = false;
        return wait;
    }

    private static JsonSerializerOptions WithoutNulls { get; } = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    private void Read(ReadOnlySpan<byte> message, long now)
    {
        var reader = new Utf8JsonReader(message);
        var (isMine, isPayload, isNotice, position) = (stream is null, false, false, (string?)null);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("it is not an object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("stream"u8) && reader.Read())
                isMine = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(stream ?? "");
            else if (reader.ValueTextEquals("position"u8) && reader.Read())
                position = reader.GetString();
            else
                (isPayload, isNotice) = (isPayload || reader.ValueTextEquals("payload"u8), isNotice || !reader.ValueTextEquals("payload"u8));
            reader.Skip();
        }
        // What comes before "joined" is the application's snapshot, in which earlier messages may be.
        if (isPayload && isMine && _isJoined)
            deliveries.Take(connection, arrivals, message, now);
        if (position is not null && isMine)
            Keep(position);
        if (isNotice)
            TakeNotice(message);
    }

    private void TakeNotice(ReadOnlySpan<byte> message)
    {
        var notice = JsonElement.Parse(message);
        var isMine = (notice.TryGetProperty("stream", out var name) ? name.GetString() : null) == stream;
        if (notice.TryGetProperty("hello", out var hello))
            _pace.Advise(hello);
        if (isMine && notice.TryGetProperty("joined", out var joined))
            TakeJoined(joined, notice.TryGetProperty("lost", out var lost) && lost.GetArrayLength() > 0);
        if (isMine && notice.TryGetProperty("gap", out var gap))
        {
            _positions.Remove(gap.GetString()!);
            deliveries.Tell(arrivals);
        }
        if (isMine && notice.TryGetProperty("left", out var left))
            _positions.Remove(left.GetString()!);
        if (notice.TryGetProperty("close", out var close))
            TakeClose(close, name);
    }

    private void TakeJoined(JsonElement joined, bool hasLost)
    {
        var entries = joined.EnumerateArray().ToList();
        var outcomes = entries.Select(entry => entry.GetProperty("outcome").GetString()).ToList();
        if (!_isJoined)
            _positions = []; // the first one after a hello replaces the table
        // A snapshot is what the application sends then: whatever is missing until here, the client knows.
        if (hasLost || outcomes.Contains("gap") || (!_isJoined && _hasJoinedBefore && !outcomes.TrueForAll(outcome => outcome == "recovered")))
            deliveries.Tell(arrivals);
        foreach (var entry in entries.Where(entry => entry.TryGetProperty("seal", out _)))
        {
            var position = entry.GetProperty("position").GetString()!;
            _positions[TagOf(position)] = (entry.GetProperty("seal").GetString()!, position);
        }
        (_isJoined, _hasJoinedBefore) = (true, true);
        _pace.Joined();
    }

    private void TakeClose(JsonElement close, JsonElement name)
    {
        if (name.ValueKind != JsonValueKind.String)
            _pace.Advise(close);
        else if (name.GetString() == stream)
            throw new FaultException(FaultKind.Closed, $"{close.GetProperty("code").GetInt32()}", $"The server closed the stream '{stream}': {close.GetProperty("reason").GetString()}");
    }

    private void Keep(string position)
    {
        if (_positions.TryGetValue(TagOf(position), out var entry))
            _positions[TagOf(position)] = entry with { Position = position };
    }

    private static string TagOf(string position) => position.Split('.', 2)[0];
}
