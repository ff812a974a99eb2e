using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Runnel.RabbitMQ.Django;

/// <summary>Writes MessagePack as Python's msgpack 1.0 does: the shortest form of each integer, length and text, and every float in eight bytes.</summary>
internal sealed class MessagePackWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void WriteNil() => Write(0xc0);

    public void Write(bool value) => Write(value ? (byte)0xc3 : (byte)0xc2);

    public void Write(ulong value)
    {
        switch (value)
        {
            case <= 0x7f:
                Write((byte)value);
                break;
            case <= byte.MaxValue:
                Write(0xcc, (byte)value);
                break;
            case <= ushort.MaxValue:
                Write16(0xcd, (ushort)value);
                break;
            case <= uint.MaxValue:
                Write32(0xce, (uint)value);
                break;
            default:
                Write64(0xcf, value);
                break;
        }
    }

    public void Write(long value)
    {
        switch (value)
        {
            case >= 0:
                Write((ulong)value);
                break;
            case >= -32:
                Write((byte)value);
                break;
            case >= sbyte.MinValue:
                Write(0xd0, (byte)value);
                break;
            case >= short.MinValue:
                Write16(0xd1, (ushort)value);
                break;
            case >= int.MinValue:
                Write32(0xd2, (uint)value);
                break;
            default:
                Write64(0xd3, (ulong)value);
                break;
        }
    }

    public void Write(double value) => Write64(0xcb, BitConverter.DoubleToUInt64Bits(value));

    public void Write(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        if (length < 32)
            Write((byte)(0xa0 | length));
        else
            WriteLength(length, 0xd9, 0xda, 0xdb);
        _bytes.Advance(Encoding.UTF8.GetBytes(text, _bytes.GetSpan(length)));
    }

    /// <summary>Writes a text that is UTF-8 already.</summary>
    public void WriteText(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length < 32)
            Write((byte)(0xa0 | utf8.Length));
        else
            WriteLength(utf8.Length, 0xd9, 0xda, 0xdb);
        _bytes.Write(utf8);
    }

    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        WriteLength(bytes.Length, 0xc4, 0xc5, 0xc6);
        _bytes.Write(bytes);
    }

    /// <summary>Begins a list; its items follow.</summary>
    public void BeginArray(int count) => Begin(count, 0x90, 0xdc, 0xdd);

    /// <summary>Begins a map; its keys and values follow in turn.</summary>
    public void BeginMap(int count) => Begin(count, 0x80, 0xde, 0xdf);

    private void Begin(int count, byte small, byte sixteen, byte thirtyTwo)
    {
        if (count < 16)
            Write((byte)(small | count));
        else if (count <= ushort.MaxValue)
            Write16(sixteen, (ushort)count);
        else
            Write32(thirtyTwo, (uint)count);
    }

    private void WriteLength(int length, byte eight, byte sixteen, byte thirtyTwo)
    {
        if (length <= byte.MaxValue)
            Write(eight, (byte)length);
        else if (length <= ushort.MaxValue)
            Write16(sixteen, (ushort)length);
        else
            Write32(thirtyTwo, (uint)length);
    }

    private void Write(byte value) => _bytes.Write([value]);

    private void Write(byte form, byte value) => _bytes.Write([form, value]);

    private void Write16(byte form, ushort value)
    {
        var span = Form(form, sizeof(ushort));
        BinaryPrimitives.WriteUInt16BigEndian(span, value);
    }

    private void Write32(byte form, uint value)
    {
        var span = Form(form, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(span, value);
    }

    private void Write64(byte form, ulong value)
    {
        var span = Form(form, sizeof(ulong));
        BinaryPrimitives.WriteUInt64BigEndian(span, value);
    }

    private Span<byte> Form(byte form, int size)
    {
        var span = _bytes.GetSpan(1 + size);
        span[0] = form;
        _bytes.Advance(1 + size);
        return span.Slice(1, size);
    }
}
