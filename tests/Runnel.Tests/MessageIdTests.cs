using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests;

public sealed class MessageIdTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void An_identity_is_a_UUID_of_version_7_that_bears_its_time()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => MessageId.New(_clock).Value).ToArray();

        var time = $"{_clock.GetUtcNow().ToUnixTimeMilliseconds():x12}";
        Assert.DoesNotContain(ids, id => id.Version != 7);
        Assert.DoesNotContain(ids, id => id.Variant is < 0b1000 or > 0b1011); // the first two of its four bits are RFC 9562's
        Assert.DoesNotContain(ids, id => !id.ToString("N").StartsWith(time, StringComparison.Ordinal));
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void An_identity_is_read_as_it_is_written_and_nothing_else_is()
    {
        var id = MessageId.New(_clock);

        Assert.True(MessageId.TryParse(id.ToString(), out var read));
        Assert.Equal(id, read);
        Assert.False(MessageId.TryParse(id.Value.ToString("D"), out _));
        Assert.False(MessageId.TryParse(null, out _));
    }
}
