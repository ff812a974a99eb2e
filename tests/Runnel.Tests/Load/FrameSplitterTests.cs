using System.Text;
using Runnel.Cli.Sockets;
using Xunit;

namespace Runnel.Tests.Load;

public sealed class FrameSplitterTests : IFrameReceiver
{
    private readonly List<string> _heard = [];
    private readonly FrameSplitter _splitter;

    public FrameSplitterTests() => _splitter = new FrameSplitter(this);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Messages_come_whole_however_the_bytes_come(int portion)
    {
        byte[] bytes = [.. Frame(0x81, "one"), .. Frame(0x01, "two"), .. Frame(0x89, "p"), .. Frame(0x80, "three"), .. Long(0x82, 300), 0x88, 2, 0x03, 0xE8];

        foreach (var part in bytes.Chunk(portion))
            _splitter.Take(part);

        Assert.Equal(["one", "ping p", "twothree", new string('x', 300), "close 1000 "], _heard);
        Assert.True(_splitter.IsClosed);
    }

    [Theory]
    [InlineData("c103616263", "reserved bit")]
    [InlineData("818300000000616263", "masked")]
    [InlineData("8300", "unknown kind 3")]
    [InlineData("0900", "control frame")]
    [InlineData("897e0080", "control frame")]
    [InlineData("8000", "had not begun")]
    [InlineData("01008100", "within another one")]
    [InlineData("8101ff", "not UTF-8")]
    [InlineData("880103", "half of a code")]
    [InlineData("827f0000000100000000", "more than 16 MiB")]
    public void What_is_no_frame_breaks_the_protocol(string bytes, string words)
    {
        var fault = Assert.Throws<FaultException>(() => _splitter.Take(Convert.FromHexString(bytes)));

        Assert.Equal(FaultKind.Protocol, fault.Kind);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    void IFrameReceiver.OnMessage(ReadOnlySpan<byte> message) => _heard.Add(Encoding.UTF8.GetString(message));

    void IFrameReceiver.OnPing(ReadOnlySpan<byte> payload) => _heard.Add($"ping {Encoding.UTF8.GetString(payload)}");

    void IFrameReceiver.OnClose(int code, string reason) => _heard.Add($"close {code} {reason}");

    private static byte[] Frame(byte first, string text) => [first, (byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Long(byte first, int length) => [first, 126, (byte)(length >> 8), (byte)length, .. Enumerable.Repeat((byte)'x', length)];
}
