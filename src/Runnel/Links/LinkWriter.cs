using System.Buffers;
using System.Buffers.Binary;

namespace Runnel.Links;

/// <summary>Writes one packet after the other into memory that is lent.</summary>
internal sealed class LinkWriter : IBufferWriter<byte>
{
    private const int Smallest = 512;

    private byte[] _buffer = [];

    /// <summary>How many bytes have been written.</summary>
    public int Length { get; private set; }

    /// <summary>Begins a packet.</summary>
    public void Begin(string nodeId)
    {
        (_buffer, Length) = (ArrayPool<byte>.Shared.Rent(Smallest), 0);
        LinkHeader.Begin(this, nodeId);
    }

    /// <summary>Ends a packet.</summary>
    /// <returns>Its memory, which whoever called has to give back.</returns>
    public ArraySegment<byte> End()
    {
        var written = new ArraySegment<byte>(_buffer, 0, Length);
        _buffer = [];
        return written;
    }

    /// <summary>Writes an item.</summary>
    public void Write(LinkItem item)
    {
        GetSpan(LinkHeader.ItemHead)[0] = (byte)item.Kind;
        Advance(LinkHeader.ItemHead);
        var begins = Length;
        item.WriteTo(this);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(begins - sizeof(int)), Length - begins);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_buffer.Length - Length));
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _buffer.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _buffer.AsSpan(Length);
    }

    private void MakeRoom(int sizeHint)
    {
        var least = Length + Math.Max(sizeHint, 1);
        if (least <= _buffer.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(least, _buffer.Length * 2));
        _buffer.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
