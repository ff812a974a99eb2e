using System.Text.Json;

namespace Runnel.Frames;

/// <summary>What only clients of <c>runnel.v1</c> get (docs/protocol.md): positions, the outcomes of joins, gaps, and what is about the connection.</summary>
internal static class ProtocolFrame
{
    private const int Version = 1;

    /// <summary>The frame of a group's message that has a place. An event, which the client does not see, moves its position.</summary>
    public static Frame OfGroup(string stream, GroupMessage message) => Frame.OfGroup(FrameKind.Text, StreamFrame.Write(stream, writer =>
    {
        if (message.Place!.IsGap)
        {
            writer.WriteString("gap"u8, message.Place.Tag);
            return;
        }
        if (!message.IsEvent)
            StreamFrame.WritePayload(writer, message.Envelope);
        writer.WriteString("position"u8, message.Place.Text);
    }).WrittenSpan);

    /// <summary>What became of a stream's groups: the first such frame of a stream has what is lost, too.</summary>
    public static Frame Joined(string stream, IReadOnlyList<JoinNotice> joined, IEnumerable<string>? lost) => StreamFrame.Build(stream, writer =>
    {
        writer.WriteStartArray("joined"u8);
        foreach (var notice in joined)
            Write(writer, notice);
        writer.WriteEndArray();
        if (lost is null)
            return;
        writer.WriteStartArray("lost"u8);
        foreach (var position in lost)
            writer.WriteStringValue(position);
        writer.WriteEndArray();
    });

    public static Frame Left(string stream, string tag) => StreamFrame.Build(stream, writer => writer.WriteString("left"u8, tag));

    public static Frame Pong(long number) => StreamFrame.Build("", writer => writer.WriteNumber("pong"u8, number));

    /// <summary>The server's hello.</summary>
    public static Frame Hello(TimeSpan reconnectWithin) => StreamFrame.Build("", writer =>
    {
        writer.WriteStartObject("hello"u8);
        writer.WriteNumber("version"u8, Version);
        writer.WriteStartArray("abilities"u8);
        writer.WriteEndArray();
        WriteReconnect(writer, reconnectWithin);
        writer.WriteEndObject();
    });

    /// <summary>How to come back, before a close.</summary>
    public static Frame Advice(int code, string? reason, TimeSpan reconnectWithin) => StreamFrame.Build("", writer =>
    {
        writer.WriteStartObject("close"u8);
        writer.WriteNumber("code"u8, code);
        writer.WriteString("reason"u8, reason ?? "");
        WriteReconnect(writer, reconnectWithin);
        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, JoinNotice notice)
    {
        writer.WriteStartObject();
        writer.WriteString("outcome"u8, notice.Outcome switch
        {
            JoinOutcome.New => "new"u8,
            JoinOutcome.Recovered => "recovered"u8,
            _ => "gap"u8,
        });
        if (notice.Position is not null)
        {
            writer.WriteString("position"u8, notice.Position);
            writer.WriteString("seal"u8, notice.Seal);
        }
        writer.WriteEndObject();
    }

    private static void WriteReconnect(Utf8JsonWriter writer, TimeSpan within)
    {
        writer.WriteStartObject("reconnect"u8);
        writer.WriteNumber("after"u8, 0);
        writer.WriteNumber("within"u8, (long)within.TotalMilliseconds);
        writer.WriteEndObject();
    }
}
