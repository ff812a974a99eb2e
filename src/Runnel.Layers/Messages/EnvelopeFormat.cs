using System.Buffers.Binary;
using System.Text;
using Runnel.Layers.Messages;

namespace Runnel.Layers;

/// <summary>The binary form of an <see cref="Envelope"/>, version 1. All layers carry it unchanged.</summary>
/// <remarks>
/// <code>
/// offset size  field (integers little-endian; times are milliseconds since 1970-01-01T00:00:00Z)
///      0    1  version: 1
///      1    1  kind: 0 message, 1 text frame, 2 binary frame
///      2    2  attempts failed
///      4    2  workers that died holding it
///      6    2  reserved: 0
///      8   16  id (UUID in network byte order; zero on messages to a group)
///     24    8  not before; 0: at once
///     32    8  expires; 0: never
///     40    8  sent at; 0: not said
///     48       texts, each a LEB128 length and UTF-8: channel, type, key, deduplication id (empty: there is none)
///              LEB128 deduplication window in milliseconds
///              LEB128 number of headers, then name and value of each, as texts
///              the body: all that is left
/// </code>
/// What a layer has to change (times and counters) stands at a fixed place, so that a script or a statement can patch it without parsing.
/// A reader refuses a version it does not know, and anything that does not fit the layout.
/// </remarks>
public static class EnvelopeFormat
{
    /// <summary>The version written.</summary>
    public const byte Version = 1;

    /// <summary>Where the texts begin.</summary>
    public const int FixedLength = 48;

    private const int AttemptAt = 2, CrashesAt = 4, IdAt = 8, NotBeforeAt = 24, ExpiresAt = 32, SentAt = 40;
    private const int MaxHeaders = 64;

    private static readonly KnownTexts Channels = new();
    private static readonly KnownTexts Types = new();

    /// <summary>Writes the envelope into a new array: its own copy of everything.</summary>
    /// <exception cref="ArgumentException">It has more than 64 headers.</exception>
    public static byte[] Encode(Envelope envelope)
    {
        var bytes = new byte[Measure(envelope)];
        Encode(envelope, bytes);
        return bytes;
    }

    /// <summary>Writes the envelope into memory of the caller's.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="span">As many bytes as <see cref="Measure"/> says.</param>
    /// <exception cref="ArgumentException">It has more than 64 headers.</exception>
    public static void Encode(Envelope envelope, Span<byte> span)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        var message = envelope.Message;
        if (message.Headers.Count > MaxHeaders)
            throw new ArgumentException($"The message '{message.Type}' has {message.Headers.Count} headers; the most is {MaxHeaders}.", nameof(envelope));

        span[0] = Version;
        span[1] = (byte)envelope.Kind;
        WriteCounters(span, envelope.Attempt, envelope.Crashes);
        envelope.Id.Value.TryWriteBytes(span[IdAt..], bigEndian: true, out _);
        WriteTime(span[NotBeforeAt..], envelope.NotBefore);
        WriteTime(span[ExpiresAt..], envelope.ExpiresAt);
        WriteTime(span[SentAt..], envelope.SentAt == default ? null : envelope.SentAt);

        var rest = span[FixedLength..];
        WriteText(ref rest, envelope.Channel?.Value);
        WriteText(ref rest, message.Type);
        WriteText(ref rest, envelope.Key);
        WriteText(ref rest, envelope.DeduplicationId);
        Leb128.Write(ref rest, WindowMilliseconds(envelope));
        Leb128.Write(ref rest, (ulong)message.Headers.Count);
        foreach (var (name, value) in message.Headers)
        {
            WriteText(ref rest, name);
            WriteText(ref rest, value);
        }
        message.Body.Span.CopyTo(rest);
    }

    /// <summary>How many bytes <see cref="Encode(Envelope)"/> would write.</summary>
    public static int Measure(Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        var message = envelope.Message;
        var length = FixedLength + TextLength(envelope.Channel?.Value) + TextLength(message.Type) + TextLength(envelope.Key)
            + TextLength(envelope.DeduplicationId) + Leb128.Length(WindowMilliseconds(envelope)) + Leb128.Length((ulong)message.Headers.Count);
        foreach (var (name, value) in message.Headers)
            length += TextLength(name) + TextLength(value);
        return length + message.Body.Length;
    }

    /// <summary>Reads an envelope. The body is a slice of the bytes given, not a copy.</summary>
    /// <exception cref="FormatException">The bytes are not an envelope of a version known here.</exception>
    public static Envelope Decode(ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.Length < FixedLength)
            throw new FormatException($"An envelope has at least {FixedLength} bytes; this has {span.Length}.");
        if (span[0] != Version)
            throw new FormatException($"This is an envelope of version {span[0]}; version {Version} is known here. Update this node before the senders.");
        if (span[1] > (byte)EnvelopeKind.BinaryFrame)
            throw new FormatException($"The envelope is of kind {span[1]}; kinds 0 to 2 are known here.");

        var rest = span[FixedLength..];
        var channel = ReadText(ref rest, Channels);
        var type = ReadText(ref rest, Types) ?? throw new FormatException("The envelope names no message type.");
        var key = ReadText(ref rest);
        var deduplicationId = ReadText(ref rest);
        var window = Leb128.Read(ref rest);
        var headerCount = Leb128.Read(ref rest);
        if (headerCount > MaxHeaders || window > (ulong)TimeSpan.MaxValue.TotalMilliseconds)
            throw new FormatException("The envelope has more headers or a longer deduplication window than there can be.");

        Dictionary<string, string>? headers = null;
        for (var i = 0UL; i < headerCount; i++)
            (headers ??= new((int)headerCount))[ReadText(ref rest) ?? ""] = ReadText(ref rest) ?? "";

        var message = new Message(type, bytes[^rest.Length..], headers);
        return new Envelope(message, (EnvelopeKind)span[1])
        {
            Id = new MessageId(new Guid(span.Slice(IdAt, 16), bigEndian: true)),
            Channel = ReadChannel(channel),
            SentAt = ReadTime(span[SentAt..]) ?? default,
            NotBefore = ReadTime(span[NotBeforeAt..]),
            ExpiresAt = ReadTime(span[ExpiresAt..]),
            Key = key,
            DeduplicationId = deduplicationId,
            DeduplicationWindow = TimeSpan.FromMilliseconds(window),
            Attempt = BinaryPrimitives.ReadUInt16LittleEndian(span[AttemptAt..]),
            Crashes = BinaryPrimitives.ReadUInt16LittleEndian(span[CrashesAt..]),
        };
    }

    /// <summary>Patches the two counters of an encoded envelope in place; each stops at 65,535.</summary>
    public static void WriteCounters(Span<byte> envelope, int attempt, int crashes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(envelope[AttemptAt..], (ushort)Math.Clamp(attempt, 0, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16LittleEndian(envelope[CrashesAt..], (ushort)Math.Clamp(crashes, 0, ushort.MaxValue));
    }

    /// <summary>Patches the time after which an encoded envelope must not be handled; <see langword="null"/>: never.</summary>
    public static void WriteExpiresAt(Span<byte> envelope, DateTimeOffset? expiresAt) => WriteTime(envelope[ExpiresAt..], expiresAt);

    /// <summary>Patches the time before which an encoded envelope must not be handled; <see langword="null"/>: at once.</summary>
    public static void WriteNotBefore(Span<byte> envelope, DateTimeOffset? notBefore) => WriteTime(envelope[NotBeforeAt..], notBefore);

    /// <summary>Writes an encoded envelope with another body into a new array.</summary>
    /// <exception cref="FormatException">The bytes are not an envelope of a version known here.</exception>
    public static byte[] ReplaceBody(ReadOnlyMemory<byte> envelope, ReadOnlySpan<byte> body)
    {
        var head = envelope.Span[..^Decode(envelope).Message.Body.Length];
        return [.. head, .. body];
    }

    private static ulong WindowMilliseconds(Envelope envelope) => (ulong)envelope.DeduplicationWindow.TotalMilliseconds;

    private static ChannelName? ReadChannel(string? name)
    {
        if (name is null)
            return default(ChannelName?);
        return ChannelName.TryCreate(name, out var channel) ? channel : throw new FormatException("The envelope names a channel whose name is not valid.");
    }

    private static void WriteTime(Span<byte> span, DateTimeOffset? time) =>
        BinaryPrimitives.WriteInt64LittleEndian(span, time?.ToUnixTimeMilliseconds() ?? 0);

    private static DateTimeOffset? ReadTime(ReadOnlySpan<byte> span)
    {
        var milliseconds = BinaryPrimitives.ReadInt64LittleEndian(span);
        return milliseconds switch
        {
            0 => null,
            < -62_135_596_800_000 or > 253_402_300_799_999 => throw new FormatException("The envelope has a time that is out of range."),
            _ => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds),
        };
    }

    private static int TextLength(string? text)
    {
        var bytes = text is null ? 0 : Encoding.UTF8.GetByteCount(text);
        return Leb128.Length((ulong)bytes) + bytes;
    }

    private static void WriteText(ref Span<byte> span, string? text)
    {
        Leb128.Write(ref span, text is null ? 0 : (ulong)Encoding.UTF8.GetByteCount(text));
        if (text is not null)
            span = span[Encoding.UTF8.GetBytes(text, span)..];
    }

    private static string? ReadText(ref ReadOnlySpan<byte> span, KnownTexts? known = null)
    {
        var length = Leb128.Read(ref span);
        if (length > (ulong)span.Length)
            throw new FormatException("The envelope ends in the middle of a text.");
        var utf8 = span[..(int)length];
        var text = length == 0 ? null : known is null ? Encoding.UTF8.GetString(utf8) : known.Read(utf8);
        span = span[(int)length..];
        return text;
    }
}
