using System.Net.WebSockets;
using System.Text;
using Runnel.Cli.Sockets;
using Xunit;

namespace Runnel.Tests.Load;

public sealed class MessageSocketTests
{
    private readonly List<string> _heard = [];

    [Fact]
    public async Task Messages_come_whole_however_they_are_cut()
    {
        byte[] bytes = [.. Frame(0x81, "one"), .. Frame(0x01, "two"), .. Frame(0x89, "p"), .. Frame(0x80, "three"), .. Frame(0x81, ""), .. Long(40_000), 0x88, 2, 0x03, 0xF4];

        var end = await ReadAsync(bytes);

        Assert.Equal(["one", "twothree", "", new string('x', 40_000)], _heard);
        Assert.Equal((FaultKind.Closed, "1012", "The server closed the connection with 1012."), (end.Kind, end.Detail, end.Message));
    }

    [Theory]
    [InlineData("818300000000616263")] // masked
    [InlineData("8300")] // a kind that nobody knows
    [InlineData("8000")] // goes on with what has not begun
    [InlineData("8101ff")] // not UTF-8
    public async Task What_is_no_frame_breaks_the_protocol(string bytes)
    {
        var end = await ReadAsync(Convert.FromHexString(bytes));

        Assert.Equal(FaultKind.Protocol, end.Kind);
        Assert.Empty(_heard);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task A_message_has_at_most_16_MiB(int more, bool isTaken)
    {
        var end = await ReadAsync([.. Long(MessageSocket.LongestMessage + more), 0x88, 2, 0x03, 0xF4]);

        Assert.Equal(isTaken ? (1, "1012", FaultKind.Closed) : (0, "", FaultKind.Protocol), (_heard.Count, end.Detail, end.Kind));
    }

    [Theory]
    [InlineData("")]
    [InlineData("8103616263")]
    [InlineData("8105616263")]
    public async Task A_connection_that_breaks_off_says_so(string bytes)
    {
        var end = await ReadAsync(Convert.FromHexString(bytes));

        Assert.Equal((FaultKind.Closed, "1006", "The connection broke off: the server hung up without a close frame."), (end.Kind, end.Detail, end.Message));
    }

    [Fact]
    public async Task What_cannot_leave_at_once_waits_up_to_a_bound_and_leaves_in_order()
    {
        using var slow = new SlowStream();
        using var socket = Open(slow);

        var taken = Enumerable.Range(0, MessageSocket.MostWaiting + 2).Select(number => socket.TrySend($"message {number}")).ToList();
        slow.Go.SetResult();
        await socket.FinishAsync();

        Assert.Equal([.. Enumerable.Repeat(true, MessageSocket.MostWaiting + 1), false], taken); // one is on its way
        Assert.Equal(Enumerable.Range(0, MessageSocket.MostWaiting + 1).Select(number => $"message {number}"), slow.Sent);
        Assert.True(socket.TrySend("another"));
    }

    private async Task<FaultException> ReadAsync(byte[] bytes)
    {
        using var socket = Open(new BegunStream(Stream.Null, bytes));
        return await socket.ReadAsync(message => _heard.Add(Encoding.UTF8.GetString(message)));
    }

    private static MessageSocket Open(Stream stream) => new(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions()));

    private static byte[] Frame(byte first, string text) => [first, (byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Long(int length)
    {
        var frame = new byte[10 + length];
        (frame[0], frame[1]) = (0x82, 127);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(2), length);
        frame.AsSpan(10).Fill((byte)'x');
        return frame;
    }

    /// <summary>Takes nothing until it may, and then reads the messages out of the client's frames.</summary>
    private sealed class SlowStream : MemoryStream
    {
        public TaskCompletionSource Go { get; } = new();

        public List<string> Sent { get; } = [];

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Go.Task;
            var (mask, payload) = (buffer[2..6].ToArray(), buffer[6..].ToArray());
            Sent.Add(Encoding.UTF8.GetString([.. payload.Select((one, i) => (byte)(one ^ mask[i % 4]))]));
        }
    }
}
