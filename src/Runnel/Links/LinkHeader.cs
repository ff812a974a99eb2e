using System.Buffers.Binary;
using System.Text;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Links;

/// <summary>What a packet of a link begins with. A packet is the body of an envelope of the type <c>runnel:link</c>.</summary>
/// <remarks>
/// <code>
/// offset size  field (integers little-endian)
///      0    1  version: 1
///      1    1  flags
///      2    8  the sender's session
///     10    8  the receiver's session, as far as the sender knows it; 0: not yet
///     18    8  the packet's number; without items, the number of the last packet that was sent
///     26    8  the number up to which the sender has all packets of the receiver's session
///     34    1  the length of the sender's node id, and the id
///              items, each: kind (1), length (4), content
/// </code>
/// Version, sessions and node id stand at these places in every version, so that an older node can refuse a newer one. Sessions of one node grow.
/// </remarks>
internal readonly ref struct LinkHeader
{
    public const byte Version = 1;

    /// <summary>What an item adds to its content: its kind and its length.</summary>
    public const int ItemHead = 5;

    private const int FlagsAt = 1, FromAt = 2, ToAt = 10, NumberAt = 18, ReceivedAt = 26, NodeIdAt = 34;

    /// <summary>The envelope before the packet; the same for all packets, and so it tells them from other messages.</summary>
    private static readonly byte[] Envelope = EnvelopeFormat.Encode(new Envelope(new Message(InboxSender.OwnTypes + "link", ReadOnlyMemory<byte>.Empty)));

    private readonly ReadOnlySpan<byte> _packet;

    private LinkHeader(ReadOnlySpan<byte> packet) => _packet = packet;

    /// <summary>Whether it has a version that is known here.</summary>
    public bool IsKnown => _packet[0] == Version;

    public byte PacketVersion => _packet[0];

    public LinkFlags Flags => (LinkFlags)_packet[FlagsAt];

    /// <summary>The sender's session.</summary>
    public long From => BinaryPrimitives.ReadInt64LittleEndian(_packet[FromAt..]);

    /// <summary>The receiver's session; 0 if the sender does not know it yet.</summary>
    public long To => BinaryPrimitives.ReadInt64LittleEndian(_packet[ToAt..]);

    public long Number => BinaryPrimitives.ReadInt64LittleEndian(_packet[NumberAt..]);

    /// <summary>Up to which number the sender has all packets.</summary>
    public long Received => BinaryPrimitives.ReadInt64LittleEndian(_packet[ReceivedAt..]);

    /// <summary>The sender's node id, in ASCII.</summary>
    public ReadOnlySpan<byte> NodeId => _packet.Slice(NodeIdAt + 1, _packet[NodeIdAt]);

    /// <summary>Where the items begin in the envelope.</summary>
    public int ItemsAt => Envelope.Length + NodeIdAt + 1 + _packet[NodeIdAt];

    /// <summary>Reads a message of a node's inbox.</summary>
    /// <returns><see langword="false"/> if it is not a packet.</returns>
    /// <exception cref="FormatException">It is a packet that is cut short.</exception>
    public static bool TryRead(ReadOnlySpan<byte> envelope, out LinkHeader header)
    {
        header = default;
        if (!envelope.StartsWith(Envelope))
            return false;
        var packet = envelope[Envelope.Length..];
        if (packet.Length <= NodeIdAt || packet.Length <= NodeIdAt + packet[NodeIdAt])
            throw new FormatException("A packet from another node is cut short.");
        header = new(packet);
        return true;
    }

    /// <summary>Begins a packet.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="nodeId">This node.</param>
    public static void Begin(LinkWriter writer, string nodeId)
    {
        var head = writer.GetSpan(Envelope.Length + NodeIdAt + 1 + nodeId.Length);
        Envelope.CopyTo(head);
        var packet = head[Envelope.Length..];
        packet[0] = Version;
        packet[NodeIdAt] = (byte)Encoding.ASCII.GetBytes(nodeId, packet[(NodeIdAt + 1)..]);
        writer.Advance(Envelope.Length + NodeIdAt + 1 + nodeId.Length);
    }

    /// <summary>Says in a packet what is so at the moment that it goes out.</summary>
    public static void Stamp(Span<byte> envelope, LinkFlags flags, long from, long to, long number, long received)
    {
        var packet = envelope[Envelope.Length..];
        packet[FlagsAt] = (byte)flags;
        BinaryPrimitives.WriteInt64LittleEndian(packet[FromAt..], from);
        BinaryPrimitives.WriteInt64LittleEndian(packet[ToAt..], to);
        BinaryPrimitives.WriteInt64LittleEndian(packet[NumberAt..], number);
        BinaryPrimitives.WriteInt64LittleEndian(packet[ReceivedAt..], received);
    }
}
