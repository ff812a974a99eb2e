using System.Runtime.CompilerServices;
using Runnel.Frames;
using Xunit;

namespace Runnel.Tests.Connections;

public sealed class FrameRingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(1000)]
    public void Frames_come_out_in_the_order_they_went_in(int count)
    {
        var ring = default(FrameRing);
        for (var i = 0; i < count; i++)
            ring.Add(Frame.Text($"{i}"));

        var written = Write(ring);

        Assert.Equal(Enumerable.Range(0, count).Select(i => $"{i}"), written);
    }

    [Fact]
    public void Whatever_is_added_and_removed_the_ring_holds_what_a_list_would()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var ring = default(FrameRing);
            var model = new List<(string Text, Frame Frame)>();
            for (var step = 0; step < 300; step++)
            {
                if (random.Next(100) < 60)
                {
                    var isOfGroup = random.Next(4) > 0;
                    var text = $"{step}{new string('x', random.Next(200))}";
                    var frame = isOfGroup ? Frame.OfGroup(FrameKind.Text, System.Text.Encoding.UTF8.GetBytes(text)) : Frame.Text(text);
                    ring.Add(frame);
                    model.Add((text, frame));
                }
                else
                {
                    var at = model.FindIndex(entry => entry.Frame.IsOfGroup);
                    Assert.Equal(at >= 0, ring.TryRemoveOldestOfGroup());
                    if (at >= 0)
                        model.RemoveAt(at);
                }
                Assert.Equal(model.Count, ring.Count);
                Assert.Equal(model.Sum(entry => entry.Frame.Cost), ring.Cost);
                Assert.Equal(model.Where(entry => !entry.Frame.IsOfGroup).Sum(entry => entry.Frame.Cost), ring.OwnCost);
            }

            if (model.Count > 0)
                Assert.Equal(model.Select(entry => entry.Text), Write(ring));
        }
    }

    [Fact]
    public void A_ring_that_was_cleared_is_as_new()
    {
        var ring = default(FrameRing);
        for (var i = 0; i < 100; i++)
            ring.Add(Frame.Text("before"));
        ring.Clear();
        ring.Add(Frame.Text("after"));

        Assert.Equal((1, (long)Frame.Text("after").Cost, (long)Frame.Text("after").Cost), (ring.Count, ring.Cost, ring.OwnCost));
        Assert.Equal(["after"], Write(ring));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_ring_keeps_no_frame_that_was_dropped_or_cleared(bool isDropped)
    {
        var ring = default(FrameRing);
        var frame = AddLarge(ref ring);
        ring.Add(Frame.Text("stays"));

        if (isDropped)
            Assert.True(ring.TryRemoveOldestOfGroup());
        else
            ring.Clear();
        GC.Collect();

        Assert.False(frame.IsAlive);
        ring.Clear();
    }

    // The test itself must hold nothing of it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AddLarge(ref FrameRing ring)
    {
        var frame = Frame.OfGroup(FrameKind.Binary, new byte[100_000]);
        ring.Add(frame);
        return new WeakReference(frame);
    }

    private static List<string> Write(FrameRing ring)
    {
        var writer = new FakeWriter();
        ring.WriteTo(writer).AsTask().GetAwaiter().GetResult();
        return writer.Texts;
    }
}
