using Runnel.RabbitMQ.Connections;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The bytes between client and broker: which of them say how often both beat, and where a heartbeat may go between them.</summary>
public sealed class HeartbeatTermTests
{
    private static readonly byte[] ProtocolHeader = [.. "AMQP"u8, 0, 0, 9, 1];

    // A frame without content, a long one of the same class, and the one that is looked for; then one like it, which is somebody else's.
    private static readonly byte[] Heartbeat = Frame(8, []);
    private static readonly byte[] Start = Frame(1, [0, 10, 0, 10, .. new byte[300]]);
    private static readonly byte[] Tune = Frame(1, [0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 60]);
    private static readonly byte[] TuneOk = Frame(1, [0, 10, 0, 31, 7, 255, 0, 2, 0, 0, 0, 60]);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public void The_brokers_heartbeat_is_replaced_wherever_the_bytes_are_cut(int portion)
    {
        var term = HeartbeatTerm.OfBroker(0);
        byte[] bytes = [.. Heartbeat, .. Start, .. Tune, .. Tune];

        Replace(term, bytes, portion);

        byte[] changed = [.. Tune[..^2], 0, Tune[^1]];
        Assert.Equal([.. Heartbeat, .. Start, .. changed, .. Tune], bytes);
        Assert.True(term.IsPassed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void The_clients_heartbeat_is_replaced_behind_the_header_of_the_protocol(int portion)
    {
        var term = HeartbeatTerm.OfClient(515);
        byte[] bytes = [.. ProtocolHeader, .. Start, .. TuneOk, .. Start];

        Replace(term, bytes, portion);

        byte[] changed = [.. TuneOk[..^3], 2, 3, TuneOk[^1]];
        Assert.Equal([.. ProtocolHeader, .. Start, .. changed, .. Start], bytes);
    }

    [Fact]
    public void A_heartbeat_may_go_where_a_frame_has_ended_and_nowhere_else()
    {
        var cursor = new FrameCursor(ProtocolHeader.Length);
        byte[] bytes = [.. ProtocolHeader, .. Heartbeat, .. Start, .. Tune];
        var between = new List<int>();

        for (var i = 0; i < bytes.Length; i++)
        {
            cursor.Pass(bytes.AsSpan(i, 1));
            if (cursor.IsBetweenFrames)
                between.Add(i + 1);
        }

        Assert.Equal([8, 16, 16 + Start.Length, bytes.Length], between);
        cursor.Pass([.. Start, .. Tune, .. Start[..10]]);
        Assert.False(cursor.IsBetweenFrames);
        cursor.Pass(Start.AsSpan(10));
        Assert.True(cursor.IsBetweenFrames);
    }

    private static void Replace(HeartbeatTerm term, Span<byte> bytes, int portion)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(portion, bytes.Length)..])
            term.Replace(bytes[..Math.Min(portion, bytes.Length)]);
    }

    private static byte[] Frame(byte kind, byte[] content) => [kind, 0, 0, 0, 0, (byte)(content.Length >> 8), (byte)content.Length, .. content, 0xCE];
}
