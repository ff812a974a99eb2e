using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public sealed class PositionTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(255, 0)]
    [InlineData(-1, long.MaxValue)]
    public void A_position_is_read_as_it_is_written(long epoch, long offset)
    {
        var position = new Position(epoch, offset);

        Assert.True(Position.TryParse(position.ToString(), out var read));
        Assert.Equal(position, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1:")]
    [InlineData(":1")]
    [InlineData("1:1:1")]
    [InlineData("1:-1")]
    [InlineData("1:+1")]
    [InlineData("1: 1")]
    [InlineData("1:1 ")]
    [InlineData(" 1:1")]
    [InlineData("-1:1")]
    [InlineData("0x1:1")]
    [InlineData("1:a")]
    [InlineData("1:9223372036854775808")]
    [InlineData("10000000000000000:1")]
    [InlineData("1:00000000000000000000000000000000000000001")]
    public void Nonsense_from_a_client_is_no_position(string? text) => Assert.False(Position.TryParse(text, out _));
}
