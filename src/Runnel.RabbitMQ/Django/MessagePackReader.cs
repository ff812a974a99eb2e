using System.Buffers.Binary;
using System.Text.Unicode;

namespace Runnel.RabbitMQ.Django;

/// <summary>Reads MessagePack as Python's msgpack 1.0 does by default: texts are UTF-8, keys are texts or bytes, and there are no extension types.</summary>
/// <remarks>Whatever the bytes are, it throws nothing but <see cref="FormatException"/>, and takes no more memory or stack than the bytes deserve.</remarks>
internal ref struct MessagePackReader(ReadOnlySpan<byte> bytes)
{
    /// <summary>How deep lists and maps may be nested, as in the JSON that they become.</summary>
    public const int MaxDepth = 64;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether everything was read.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>What comes next.</summary>
    public readonly MessagePackKind Next => Peek() switch
    {
        <= 0x7f or >= 0xe0 or (>= 0xcc and <= 0xd3) => MessagePackKind.Integer,
        <= 0x8f or 0xde or 0xdf => MessagePackKind.Map,
        <= 0x9f or 0xdc or 0xdd => MessagePackKind.Array,
        <= 0xbf or (>= 0xd9 and <= 0xdb) => MessagePackKind.Text,
        0xc0 => MessagePackKind.Nil,
        0xc2 or 0xc3 => MessagePackKind.Boolean,
        >= 0xc4 and <= 0xc6 => MessagePackKind.Binary,
        0xca or 0xcb => MessagePackKind.Float,
        var form => throw new FormatException($"A value begins with the byte {form:x2}: an extension type, or nothing that MessagePack has."),
    };

    public void ReadNil() => Expect(MessagePackKind.Nil);

    public bool ReadBoolean() => Expect(MessagePackKind.Boolean) == 0xc3;

    /// <summary>Reads an integer: any from -2⁶³ to 2⁶⁴-1.</summary>
    public Int128 ReadInteger() => Expect(MessagePackKind.Integer) switch
    {
        0xcc => Take(sizeof(byte))[0],
        0xcd => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort))),
        0xce => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint))),
        0xcf => BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong))),
        0xd0 => (sbyte)Take(sizeof(sbyte))[0],
        0xd1 => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short))),
        0xd2 => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int))),
        0xd3 => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long))),
        var small => (sbyte)small,
    };

    public double ReadFloat() => Expect(MessagePackKind.Float) == 0xca
        ? BinaryPrimitives.ReadSingleBigEndian(Take(sizeof(float)))
        : BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double)));

    /// <summary>Reads a text, as UTF-8.</summary>
    public ReadOnlySpan<byte> ReadText()
    {
        var form = Expect(MessagePackKind.Text);
        return CheckUtf8(Take(form switch
        {
            0xd9 => ReadLength(sizeof(byte)),
            0xda => ReadLength(sizeof(ushort)),
            0xdb => ReadLength(sizeof(uint)),
            _ => (uint)(form & 0x1f),
        }));
    }

    public ReadOnlySpan<byte> ReadBinary() => Take(Expect(MessagePackKind.Binary) switch
    {
        0xc4 => ReadLength(sizeof(byte)),
        0xc5 => ReadLength(sizeof(ushort)),
        _ => ReadLength(sizeof(uint)),
    });

    /// <summary>Reads a key, as UTF-8.</summary>
    public ReadOnlySpan<byte> ReadKey() => Next == MessagePackKind.Binary ? CheckUtf8(ReadBinary()) : ReadText();

    /// <summary>Reads the beginning of a list.</summary>
    /// <returns>How many items follow.</returns>
    public int BeginArray() => Begin(MessagePackKind.Array, 0xdc, 0xdd, bytesOfItem: 1);

    /// <summary>Reads the beginning of a map.</summary>
    /// <returns>How many keys follow, each with its value.</returns>
    public int BeginMap() => Begin(MessagePackKind.Map, 0xde, 0xdf, bytesOfItem: 2);

    /// <summary>Reads a value, and forgets it.</summary>
    /// <param name="depth">In how many lists and maps it is.</param>
    public void Skip(int depth)
    {
        CheckDepth(depth);
        switch (Next)
        {
            case MessagePackKind.Nil or MessagePackKind.Boolean:
                Take(1);
                break;
            case MessagePackKind.Integer:
                ReadInteger();
                break;
            case MessagePackKind.Float:
                ReadFloat();
                break;
            case MessagePackKind.Text:
                ReadText();
                break;
            case MessagePackKind.Binary:
                ReadBinary();
                break;
            case MessagePackKind.Array:
                for (var left = BeginArray(); left > 0; left--)
                    Skip(depth + 1);
                break;
            case MessagePackKind.Map:
                for (var left = BeginMap(); left > 0; left--)
                {
                    ReadKey();
                    Skip(depth + 1);
                }
                break;
        }
    }

    public static void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException($"Lists and maps are nested more than {MaxDepth} deep.");
    }

    // A header that promises more than there is must not make anybody reserve memory for it.
    private int Begin(MessagePackKind kind, byte sixteen, byte thirtyTwo, int bytesOfItem)
    {
        var form = Expect(kind);
        var count = form == sixteen ? ReadLength(sizeof(ushort)) : form == thirtyTwo ? ReadLength(sizeof(uint)) : (uint)(form & 0x0f);
        return count * (long)bytesOfItem <= _rest.Length ? (int)count : throw Cut();
    }

    private uint ReadLength(int size) => size switch
    {
        sizeof(byte) => Take(size)[0],
        sizeof(ushort) => BinaryPrimitives.ReadUInt16BigEndian(Take(size)),
        _ => BinaryPrimitives.ReadUInt32BigEndian(Take(size)),
    };

    private byte Expect(MessagePackKind kind) => Next == kind ? Take(1)[0] : throw new FormatException($"There is a value of kind {Next} where one of kind {kind} belongs.");

    private readonly byte Peek() => _rest.Length > 0 ? _rest[0] : throw Cut();

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > _rest.Length)
            throw Cut();
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private static ReadOnlySpan<byte> CheckUtf8(ReadOnlySpan<byte> text) => Utf8.IsValid(text) ? text : throw new FormatException("A text is not UTF-8.");

    private static FormatException Cut() => new("The message ends in the middle of a value.");
}
