using System.Buffers;
using System.Text.Json;

namespace Runnel.Links;

/// <summary>What a worker says to gateways: what it takes.</summary>
/// <param name="Channels">The channels: <c>websocket.connect.NAME</c> for connections, <c>http.request.NAME</c> for requests.</param>
/// <param name="MostConnections">The most connections that it takes, from all gateways together.</param>
/// <param name="IsLeaving">Whether it stops, and takes nothing any more.</param>
internal sealed record WorkerGreeting(IReadOnlyCollection<string> Channels, int MostConnections, bool IsLeaving)
{
    /// <summary>It takes nothing.</summary>
    public static WorkerGreeting Nothing { get; } = new([], 0, IsLeaving: false);

    /// <exception cref="FormatException">It is something else.</exception>
    public static WorkerGreeting Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<WorkerGreeting>(body.Span) is { Channels: not null } greeting ? greeting : throw new FormatException("A worker's greeting is empty.");
        }
        catch (JsonException exception)
        {
            throw new FormatException("A worker's greeting cannot be read.", exception);
        }
    }

    /// <summary>The greeting as something to send.</summary>
    public LinkItem ToItem() => new Item(this);

    private sealed class Item(WorkerGreeting greeting) : LinkItem
    {
        public override LinkKind Kind => LinkKind.Greeting;

        public override void WriteTo(IBufferWriter<byte> output)
        {
            using var json = new Utf8JsonWriter(output);
            JsonSerializer.Serialize(json, greeting);
        }
    }
}
