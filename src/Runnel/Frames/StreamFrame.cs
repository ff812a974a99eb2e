using System.Buffers;
using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Frames;

/// <summary>The frames of a shared socket (docs/protocol.md): <c>{"stream": …, "payload": …}</c>, and the answers beside them.</summary>
internal static class StreamFrame
{
    public static Frame OfGroup(string stream, GroupMessage message)
    {
        var buffer = Write(stream, writer => WritePayload(writer, message.Envelope));
        return Frame.OfGroup(FrameKind.Text, buffer.WrittenSpan);
    }

    public static Frame Json(string stream, ReadOnlyMemory<byte> json) => Build(stream, writer =>
    {
        writer.WritePropertyName("payload"u8);
        writer.WriteRawValue(json.Span);
    });

    public static Frame Text(string stream, string text) => Build(stream, writer => writer.WriteString("payload"u8, text));

    public static Frame Binary(string stream, ReadOnlyMemory<byte> data) => Build(stream, writer => writer.WriteBase64String("payload"u8, data.Span));

    public static Frame Error(string? stream, string sentence) => Build(stream, writer => writer.WriteString("error"u8, sentence));

    public static Frame Close(string stream, int code, string? reason) => Build(stream, writer =>
    {
        writer.WriteStartObject("close"u8);
        writer.WriteNumber("code"u8, code);
        writer.WriteString("reason"u8, reason ?? "");
        writer.WriteEndObject();
    });

    /// <summary>Writes what a group was sent as the payload of a frame.</summary>
    public static void WritePayload(Utf8JsonWriter writer, Envelope envelope)
    {
        var body = envelope.Message.Body.Span;
        if (envelope.Kind == EnvelopeKind.BinaryFrame)
        {
            writer.WriteBase64String("payload"u8, body);
            return;
        }
        writer.WritePropertyName("payload"u8);
        if (envelope.Message.Type == GroupMessage.JsonType)
            writer.WriteRawValue(body);
        else
            writer.WriteStringValue(body);
    }

    /// <summary>Builds a frame; the empty name is that of a stream that has its socket to itself, and is left out.</summary>
    public static Frame Build(string? stream, Action<Utf8JsonWriter> write) => Frame.Text(Write(stream, write).WrittenSpan);

    public static ArrayBufferWriter<byte> Write(string? stream, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = RunnelJson.Encoder });
        writer.WriteStartObject();
        if (stream is not "")
            writer.WriteString("stream"u8, stream);
        write(writer);
        writer.WriteEndObject();
        writer.Flush();
        return buffer;
    }
}
