using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The last frame: which codes may stand in it (RFC 6455, 7.4), and how much of a reason.</summary>
public sealed class CloseFrameTests
{
    [Theory]
    [InlineData(999, false)]
    [InlineData(1000, true)]
    [InlineData(1003, true)]
    [InlineData(1004, false)]
    [InlineData(1005, false)]
    [InlineData(1006, false)]
    [InlineData(1007, true)]
    [InlineData(1014, true)]
    [InlineData(1015, false)]
    [InlineData(2999, false)]
    [InlineData(3000, true)]
    [InlineData(4999, true)]
    [InlineData(5000, false)]
    public void A_code_may_be_sent_or_not(int code, bool can) => Assert.Equal(can, CloseCode.CanBeSent(code));

    [Theory]
    [InlineData("", "")]
    [InlineData(null, "")]
    [InlineData("The server is restarting.", "The server is restarting.")]
    public void A_close_has_its_code_and_its_reason(string? reason, string sent)
    {
        var frame = Frame.Close(4001, reason);

        Assert.Equal((FrameKind.Close, 4001, sent), (frame.Kind, BinaryPrimitives.ReadUInt16BigEndian(frame.Payload.Span), Encoding.UTF8.GetString(frame.Payload.Span[2..])));
    }

    [Fact]
    public void A_reason_that_is_too_long_is_cut_behind_the_last_whole_character_that_fits()
    {
        var payload = Frame.Close(1000, new string('é', 100)).Payload;

        Assert.Equal(124, payload.Length);
        Assert.Equal(new string('é', 61), Encoding.UTF8.GetString(payload.Span[2..]));
    }
}
