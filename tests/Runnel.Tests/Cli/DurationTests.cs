using Runnel.Cli;
using Xunit;

namespace Runnel.Tests.Cli;

public sealed class DurationTests
{
    [Theory]
    [InlineData("0s", 0)]
    [InlineData("500ms", 500)]
    [InlineData("5s", 5_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("10m", 600_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("00:00:05", 5_000)]
    public void A_duration_is_read_as_people_write_it(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Duration.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("-00:00:05")]
    [InlineData("5 minutes")]
    [InlineData("1e300h")]
    [InlineData("1000000000000000000000h")]
    [InlineData("4000d")]
    public void What_is_no_duration_is_refused(string text) => Assert.Throws<FormatException>(() => Duration.Parse(text));

    [Theory]
    [InlineData(300, "300ms")]
    [InlineData(59_999, "59s")]
    [InlineData(120_000, "2m")]
    [InlineData(200_000_000, "2d")]
    public void A_duration_is_told_in_its_largest_unit(int milliseconds, string text) =>
        Assert.Equal(text, Duration.Describe(TimeSpan.FromMilliseconds(milliseconds)));
}
