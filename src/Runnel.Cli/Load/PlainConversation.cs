using System.Text.Json;

namespace Runnel.Cli.Load;

/// <summary>A client of any WebSocket server: it reads messages, and does not come back.</summary>
/// <param name="connection">Its number.</param>
/// <param name="arrivals">What it gets.</param>
/// <param name="deliveries">What all get.</param>
/// <param name="stream">The stream of a shared socket that it sends on, if it does.</param>
/// <param name="needsProbe">Whether only a message tells that it gets messages: nothing else says when a server has put it into a group.</param>
internal sealed class PlainConversation(int connection, Arrivals arrivals, Deliveries deliveries, string? stream, bool needsProbe) : Conversation
{
    public override Arrivals Arrivals => arrivals;

    public override bool IsReady => !needsProbe || arrivals.HasAny;

    public override void Take(ReadOnlySpan<byte> message, long now) => deliveries.Take(connection, arrivals, message, now);

    public override string Wrap(string body) => stream is null ? body : $$"""{"stream":{{JsonSerializer.Serialize(stream)}},"payload":{{body}}}""";
}
