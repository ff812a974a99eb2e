using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Django;

/// <summary>The messages of Python's channels_rabbitmq 3 and 4: a map of MessagePack, whose last entry says where it goes.</summary>
/// <remarks>
/// <para>
/// An event is the entries of its body, which is a JSON object, behind its type: what <c>SendEventAsync("chat", "chat.message", new { text = "hi" })</c> sends, Python gets as
/// <c>{"type": "chat.message", "text": "hi"}</c> in <c>chat_message(self, event)</c>, and the other way round.
/// </para>
/// <para>
/// A frame for the members' clients is what an ASGI application sends to its server: <c>{"type": "websocket.send", "text": …}</c>, or <c>"bytes"</c>. A text frame that was sent as
/// JSON says so with <c>"json": true</c>. Headers are the entry <c>__runnel_headers__</c>. A message's id and times do not travel.
/// </para>
/// </remarks>
internal static class DjangoFormat
{
    public const string FrameType = "websocket.send";

    private const string TypeEntry = "type", TextEntry = "text", BytesEntry = "bytes", JsonEntry = "json", HeadersEntry = "__runnel_headers__";

    // How Runnel's groups call their frames; see GroupMessage.
    private const string JsonFrame = "json", PlainFrame = "plain";

    // It is read by code, and never stands in a page.
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Writes a message.</summary>
    /// <exception cref="ArgumentException">It has no form on this wire; the message says why.</exception>
    public static ReadOnlyMemory<byte> Encode(Envelope envelope, DjangoAddress address)
    {
        var writer = new MessagePackWriter();
        if (envelope.Kind == EnvelopeKind.Message)
            WriteEvent(envelope.Message, address, writer);
        else
            WriteFrame(envelope, writer);
        WriteHeaders(envelope.Message.Headers, writer);
        writer.Write(address.Entry);
        writer.Write(address.Name);
        return writer.Written;
    }

    /// <summary>Reads a message.</summary>
    /// <exception cref="FormatException">It is malformed, or nothing that Runnel knows.</exception>
    public static DjangoMessage Decode(ReadOnlySpan<byte> bytes)
    {
        string? type = null, group = null, channel = null;
        Dictionary<string, string>? headers = null;
        var reader = new MessagePackReader(bytes);
        for (var left = reader.BeginMap(); left > 0; left--)
        {
            switch (Encoding.UTF8.GetString(reader.ReadKey()))
            {
                case TypeEntry:
                    type = Encoding.UTF8.GetString(reader.ReadText());
                    break;
                case DjangoAddress.GroupEntry:
                    group = Encoding.UTF8.GetString(reader.ReadText());
                    break;
                case DjangoAddress.ChannelEntry:
                    channel = Encoding.UTF8.GetString(reader.ReadText());
                    break;
                case HeadersEntry:
                    headers = ReadHeaders(ref reader);
                    break;
                default:
                    reader.Skip(depth: 2);
                    break;
            }
        }
        if (!reader.IsAtEnd)
            throw new FormatException("There is more behind the message.");
        if (string.IsNullOrEmpty(type))
            throw new FormatException("The message has no type.");
        if (group is null == channel is null)
            throw new FormatException("The message is for no group and no channel, or for both.");
        return new(DjangoAddress.Of(group is not null, (group ?? channel)!), type == FrameType ? ReadFrame(bytes, headers) : ReadEvent(bytes, type, headers));
    }

    private static void WriteEvent(Message message, DjangoAddress address, MessagePackWriter writer)
    {
        try
        {
            if (message.Type == FrameType)
                throw new FormatException($"'{FrameType}' is the type of frames: send it with SendAsync, or give the event another type");
            if (message.Type.StartsWith("runnel:", StringComparison.Ordinal))
                throw new FormatException("it is between nodes of Runnel, and would fail Python's consumers, which have no handler for it");
            using var body = JsonDocument.Parse(message.Body.IsEmpty ? "{}"u8.ToArray() : message.Body);
            if (body.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("its body is not a JSON object");
            writer.BeginMap(1 + body.RootElement.GetPropertyCount() + EntriesBehind(message.Headers));
            writer.Write(TypeEntry);
            writer.Write(message.Type);
            foreach (var property in body.RootElement.EnumerateObject())
            {
                if (property.Name is TypeEntry or HeadersEntry or DjangoAddress.GroupEntry or DjangoAddress.ChannelEntry)
                    throw new FormatException($"its body has a property '{property.Name}', which the wire needs for itself");
                JsonToMessagePack.Copy(property, writer);
            }
        }
        catch (Exception exception) when (exception is FormatException or JsonException or InvalidOperationException)
        {
            var why = exception switch
            {
                FormatException => exception.Message,
                JsonException => "its body is not JSON",
                _ => "a text in its body has half of a surrogate pair",
            };
            throw new ArgumentException($"The message '{message.Type}' for {address} cannot go to Django: {why}.", exception);
        }
    }

    private static void WriteFrame(Envelope envelope, MessagePackWriter writer)
    {
        var isJson = envelope.Kind == EnvelopeKind.TextFrame && envelope.Message.Type == JsonFrame;
        writer.BeginMap((isJson ? 3 : 2) + EntriesBehind(envelope.Message.Headers));
        writer.Write(TypeEntry);
        writer.Write(FrameType);
        if (envelope.Kind == EnvelopeKind.TextFrame)
        {
            writer.Write(TextEntry);
            writer.WriteText(envelope.Message.Body.Span);
        }
        else
        {
            writer.Write(BytesEntry);
            writer.WriteBinary(envelope.Message.Body.Span);
        }
        if (!isJson)
            return;
        writer.Write(JsonEntry);
        writer.Write(true);
    }

    private static int EntriesBehind(IReadOnlyDictionary<string, string> headers) => headers.Count > 0 ? 2 : 1;

    private static void WriteHeaders(IReadOnlyDictionary<string, string> headers, MessagePackWriter writer)
    {
        if (headers.Count == 0)
            return;
        writer.Write(HeadersEntry);
        writer.BeginMap(headers.Count);
        foreach (var (name, value) in headers)
        {
            writer.Write(name);
            writer.Write(value);
        }
    }

    private static Dictionary<string, string> ReadHeaders(ref MessagePackReader reader)
    {
        var headers = new Dictionary<string, string>();
        for (var left = reader.BeginMap(); left > 0; left--)
        {
            var name = Encoding.UTF8.GetString(reader.ReadKey());
            headers[name] = Encoding.UTF8.GetString(reader.ReadText());
        }
        return headers;
    }

    // The entries are well-formed: they were read once.
    private static Envelope ReadEvent(ReadOnlySpan<byte> bytes, string type, Dictionary<string, string>? headers)
    {
        var body = new ArrayBufferWriter<byte>(bytes.Length);
        using (var json = new Utf8JsonWriter(body, Json))
        {
            json.WriteStartObject();
            var reader = new MessagePackReader(bytes);
            for (var left = reader.BeginMap(); left > 0; left--)
            {
                var name = reader.ReadKey();
                if (IsOfTheWire(name))
                {
                    reader.Skip(depth: 2);
                    continue;
                }
                json.WritePropertyName(name);
                MessagePackToJson.Copy(ref reader, json, depth: 2);
            }
            json.WriteEndObject();
        }
        return new Envelope(new Message(type, body.WrittenMemory, headers));
    }

    private static bool IsOfTheWire(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("type"u8) || name.SequenceEqual("__asgi_group__"u8) || name.SequenceEqual("__asgi_channel__"u8) || name.SequenceEqual("__runnel_headers__"u8);

    private static Envelope ReadFrame(ReadOnlySpan<byte> bytes, Dictionary<string, string>? headers)
    {
        byte[]? text = null, binary = null;
        var isJson = false;
        var reader = new MessagePackReader(bytes);
        for (var left = reader.BeginMap(); left > 0; left--)
        {
            var name = Encoding.UTF8.GetString(reader.ReadKey());
            if (name == TextEntry && reader.Next == MessagePackKind.Text)
                text = reader.ReadText().ToArray();
            else if (name == BytesEntry && reader.Next == MessagePackKind.Binary)
                binary = reader.ReadBinary().ToArray();
            else if (name == JsonEntry && reader.Next == MessagePackKind.Boolean)
                isJson = reader.ReadBoolean();
            else
                reader.Skip(depth: 2);
        }
        return (text, binary) switch
        {
            ({ }, _) => new Envelope(new Message(isJson ? JsonFrame : PlainFrame, text, headers), EnvelopeKind.TextFrame),
            (null, { }) => new Envelope(new Message(PlainFrame, binary, headers), EnvelopeKind.BinaryFrame),
            _ => throw new FormatException($"A message of type '{FrameType}' has neither text nor bytes."),
        };
    }
}
