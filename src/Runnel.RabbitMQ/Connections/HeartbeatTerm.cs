using System.Buffers.Binary;

namespace Runnel.RabbitMQ.Connections;

/// <summary>The heartbeat that one side names when a connection begins (<c>connection.tune</c>, <c>connection.tune-ok</c>): it is replaced as the bytes pass by.</summary>
/// <param name="method">The method's number.</param>
/// <param name="seconds">What it becomes.</param>
/// <param name="before">How many bytes come before the first frame.</param>
internal sealed class HeartbeatTerm(ushort method, ushort seconds, int before)
{
    private const byte MethodFrame = 1;
    private const ushort ConnectionClass = 10;

    // Behind the class, the method, the most channels (2 bytes) and the longest frame (4 bytes).
    private const int HeartbeatAt = FrameCursor.HeadLength + 4 + 6;

    private readonly byte[] _start = new byte[FrameCursor.HeadLength + 4];
    private int _before = before;
    private long _at;

    /// <summary>The broker's word, as the client gets it.</summary>
    public static HeartbeatTerm OfBroker(ushort seconds) => new(method: 30, seconds, before: 0);

    /// <summary>The client's word, as the broker gets it.</summary>
    public static HeartbeatTerm OfClient(ushort seconds) => new(method: 31, seconds, BeatingStream.ProtocolHeaderLength);

    /// <summary>Whether it has passed.</summary>
    public bool IsPassed { get; private set; }

    public void Replace(Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length && !IsPassed; i++)
            bytes[i] = Pass(bytes[i]);
    }

    private byte Pass(byte next)
    {
        if (_before > 0)
        {
            _before--;
            return next;
        }
        var at = _at++;
        if (at < _start.Length)
            _start[at] = next;
        if (at == HeartbeatAt && IsTheOne())
            return (byte)(seconds >> 8);
        if (at == HeartbeatAt + 1 && IsTheOne())
            return (byte)seconds;
        if (at >= FrameCursor.HeadLength && at == FrameCursor.HeadLength + BinaryPrimitives.ReadUInt32BigEndian(_start.AsSpan(FrameCursor.LengthAt)))
        {
            IsPassed = IsTheOne();
            _at = 0;
        }
        return next;
    }

    private bool IsTheOne() =>
        _start[0] == MethodFrame
        && BinaryPrimitives.ReadUInt16BigEndian(_start.AsSpan(FrameCursor.HeadLength)) == ConnectionClass
        && BinaryPrimitives.ReadUInt16BigEndian(_start.AsSpan(FrameCursor.HeadLength + 2)) == method;
}
