using Runnel.AspNetCore.Sockets;
using Xunit;

namespace Runnel.Tests.Connections;

public sealed class FrameCounterTests
{
    [Fact]
    public void However_the_bytes_arrive_every_frame_is_counted_once()
    {
        var random = new Random(1);
        int[] lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000];
        for (var round = 0; round < 100; round++)
        {
            var count = random.Next(1, 40);
            var bytes = Enumerable.Range(0, count)
                .SelectMany(_ => RawClient.FrameOf(random.Next(3) == 0 ? 9 : 2, new byte[lengths[random.Next(lengths.Length)]], masked: random.Next(10) > 0))
                .ToArray();
            var counter = default(FrameCounter);
            var counted = 0;

            for (var at = 0; at < bytes.Length;)
            {
                var length = Math.Min(random.Next(1, random.Next(2) == 0 ? 8 : 50_000), bytes.Length - at);
                counted += counter.Take(bytes.AsSpan(at, length));
                at += length;
            }

            Assert.Equal((count, false), (counted, counter.HasSeenClose));
            Assert.Equal(1, counter.Take(RawClient.FrameOf(8, ""u8)));
            Assert.True(counter.HasSeenClose);
        }
    }

    [Fact]
    public void A_length_that_no_message_has_is_skipped_like_any_other()
    {
        var counter = default(FrameCounter);

        Assert.Equal(1, counter.Take([0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]));

        Assert.Equal(0, counter.Take(new byte[100_000]));
    }
}
