using System.Text;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

public sealed class OutboundQueueTests
{
    private readonly FakeWriter _writer = new();

    [Fact]
    public async Task A_frame_that_finds_the_queue_idle_goes_out_at_once()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);

        await queue.SendAsync(Frame.Text("a"));
        await queue.SendAsync(Frame.Text("b"));

        Assert.Equal(["a", "b"], _writer.Texts);
        Assert.Equal(2, _writer.Writes);
    }

    [Fact]
    public async Task What_arrives_while_a_write_is_under_way_goes_out_together_in_order()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        _writer.Block();
        Post(queue, "first");
        for (var i = 0; i < 100; i++)
            Post(queue, $"{i}");

        _writer.Unblock();
        await Finish(queue);

        Assert.Equal(["first", .. Enumerable.Range(0, 100).Select(i => $"{i}"), "close"], _writer.Texts);
        Assert.InRange(_writer.Writes, 2, 3);
    }

    [Fact]
    public async Task Eight_threads_posting_lose_nothing_and_never_write_at_once()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 1_000_000, MaxBytes = int.MaxValue }, new SometimesLate(_writer));

        await Wait.For(Task.WhenAll(Enumerable.Range(0, 8).Select(sender => Task.Run(() =>
        {
            for (var i = 0; i < 5_000; i++)
                Post(queue, $"{sender}:{i}");
        }))), "the posters");
        await Finish(queue);

        var texts = _writer.Texts[..^1];
        Assert.False(_writer.WasReentered);
        Assert.Equal(40_000, texts.Count);
        Assert.All(texts.GroupBy(text => text[0]), own => Assert.Equal(Enumerable.Range(0, 5_000), own.Select(text => int.Parse(text[2..], null))));
    }

    [Fact]
    public async Task Eight_consumers_sending_with_little_room_lose_nothing_and_none_waits_for_ever()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 2 }, new SometimesLate(_writer));

        await Wait.For(Task.WhenAll(Enumerable.Range(0, 8).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < 2_000; i++)
                await queue.SendAsync(Frame.Text($"{sender}:{i}"));
        }))), "the senders");
        await Finish(queue);

        var texts = _writer.Texts[..^1];
        Assert.Equal(16_000, texts.Count);
        Assert.All(texts.GroupBy(text => text[0]), own => Assert.Equal(Enumerable.Range(0, 2_000), own.Select(text => int.Parse(text[2..], null))));
    }

    [Theory]
    [InlineData(3, 1_000_000)]
    [InlineData(1_000, 4 * 28)] // a frame of ten characters is twelve bytes on the wire, and its place counts; what is being written counts too
    public void More_than_may_wait_cuts_a_client_once_and_tells_it_why(int maxMessages, int maxBytes)
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = maxMessages, MaxBytes = maxBytes }, _writer);
        _writer.Block();
        Post(queue, "0123456789");
        for (var i = 0; i < 3; i++)
            Post(queue, "0123456789");
        Assert.Equal(0, _writer.Overflows);

        Post(queue, "0123456789");
        Post(queue, "0123456789");

        Assert.Equal(1, _writer.Overflows);
        Assert.True(queue.IsClosed);
        _writer.Unblock();
        Assert.True(SpinWait.SpinUntil(() => _writer.Frames.Count == 2, Wait.Limit));
        Assert.Equal(["0123456789", "close"], _writer.Texts);
    }

    [Fact]
    public void Ten_thousand_short_messages_wait_while_one_is_being_written()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        _writer.Block();
        var frame = Frame.OfGroup(FrameKind.Text, new byte[100]);

        for (var i = 0; i < 10_000; i++)
            queue.Post(frame);

        Assert.Equal(0, _writer.Overflows);
        Assert.False(queue.IsClosed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void What_is_kept_for_a_client_that_does_not_read_never_exceeds_the_bound(int length)
    {
        var options = new OutboundOptions();
        var queue = new OutboundQueue(options, _writer);
        var frame = Frame.OfGroup(FrameKind.Text, new byte[length]);
        _writer.Block();
        var posted = 0L;

        for (; _writer.Overflows == 0; posted++)
        {
            if (queue.Post(frame))
                queue.Drain();
        }

        Assert.InRange((posted - 1) * (frame.Length + 16), options.MaxBytes - 200_000, options.MaxBytes);
    }

    [Fact]
    public async Task Dropping_the_oldest_keeps_the_newest_and_never_drops_what_the_consumer_sent_itself()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 4, Policy = OutboundPolicy.DropOldest }, _writer);
        _writer.Block();
        Post(queue, "on the wire");
        Post(queue, "g0");
        await queue.SendAsync(Frame.Text("own"));
        for (var i = 1; i < 100; i++)
            Post(queue, $"g{i}");

        _writer.Unblock();
        await Finish(queue);

        Assert.Equal(["on the wire", "own", "g97", "g98", "g99", "close"], _writer.Texts);
    }

    [Fact]
    public async Task Latest_only_keeps_the_latest_beside_what_the_consumer_sent_itself()
    {
        var queue = new OutboundQueue(new OutboundOptions { Policy = OutboundPolicy.LatestOnly }, _writer);
        _writer.Block();
        Post(queue, "on the wire");
        for (var i = 0; i < 100; i++)
            Post(queue, $"g{i}");
        var own = queue.SendAsync(Frame.Text("own")).AsTask();

        _writer.Unblock();
        await Wait.For(own, "room");
        await Finish(queue);

        Assert.Equal(["on the wire", "g99", "own", "close"], _writer.Texts);
    }

    [Fact]
    public async Task With_latest_only_the_newest_arrives_though_the_consumers_own_frame_waits()
    {
        var queue = new OutboundQueue(new OutboundOptions { Policy = OutboundPolicy.LatestOnly }, _writer);
        _writer.Block();
        Post(queue, "on the wire");
        await queue.SendAsync(Frame.Text("own"));
        for (var i = 0; i < 10; i++)
            Post(queue, $"g{i}");

        _writer.Unblock();
        await Finish(queue);

        Assert.Equal(["on the wire", "own", "g9", "close"], _writer.Texts);
    }

    [Fact]
    public async Task A_message_larger_than_all_that_may_wait_gets_through_when_nothing_waits()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 10 }, _writer);

        Post(queue, new string('x', 1000));
        await queue.SendAsync(Frame.Text(new string('y', 1000)));

        Assert.Equal(2, _writer.Frames.Count);
        Assert.Equal(0, _writer.Overflows);
    }

    [Fact]
    public async Task A_write_that_fails_breaks_the_queue_once()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        _writer.Block();
        Post(queue, "on the wire");
        Post(queue, "waits");
        var finished = queue.FinishAsync(Frame.Close(1000, null));

        _writer.Fail(new IOException("gone"));

        await Wait.For(finished, "the queue to finish");
        Assert.IsType<IOException>(Assert.Single(_writer.Broken));
        Assert.Equal(["on the wire"], _writer.Texts);
        Assert.False(queue.Post(Frame.Text("later")));
    }

    [Fact]
    public async Task A_write_that_throws_at_once_breaks_the_queue_and_nothing_more()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        _writer.Failure = new IOException("gone");

        await queue.SendAsync(Frame.Text("a"));
        await queue.SendAsync(Frame.Text("b"));
        await Wait.For(queue.FinishAsync(null), "the queue to finish");

        Assert.Single(_writer.Broken);
        Assert.Equal(1, _writer.Writes);
    }

    [Fact]
    public async Task The_last_frame_comes_after_all_that_waits_and_nothing_after_it()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        _writer.Block();
        Post(queue, "on the wire");
        Post(queue, "waits");
        var finished = queue.FinishAsync(Frame.Close(1000, null));
        Post(queue, "too late");
        var again = queue.FinishAsync(Frame.Close(1011, null));

        Assert.False(finished.IsCompleted);
        _writer.Unblock();
        await Wait.For(Task.WhenAll(finished, again), "the queue to finish");

        Assert.Equal(["on the wire", "waits", "close"], _writer.Texts);
    }

    [Fact]
    public async Task A_client_that_cannot_keep_up_is_advised_before_its_close()
    {
        var writer = new FakeWriter { Advice = Frame.Text("advice") };
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 1 }, writer);
        writer.Block();
        foreach (var text in new[] { "on the wire", "waits", "too much" })
            Post(queue, text);

        writer.Unblock();
        await Wait.Until(() => writer.Texts.Count == 3, "the close");

        Assert.Equal(["on the wire", "advice", "close"], writer.Texts);
    }

    [Fact]
    public void A_ping_goes_out_only_when_nothing_else_does()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        queue.SendIfIdle(Frame.Of(FrameKind.Ping, []));
        _writer.Block();
        Post(queue, "on the wire");
        queue.SendIfIdle(Frame.Of(FrameKind.Ping, []));
        _ = queue.AbandonAsync();
        queue.SendIfIdle(Frame.Of(FrameKind.Ping, []));
        _writer.Unblock();

        Assert.Equal([FrameKind.Ping, FrameKind.Text], _writer.Frames.Select(frame => frame.Kind));
    }

    [Fact]
    public async Task Nothing_follows_the_close_not_even_a_ping()
    {
        var queue = new OutboundQueue(new OutboundOptions(), _writer);
        await Finish(queue);

        queue.SendIfIdle(Frame.Of(FrameKind.Ping, []));

        Assert.Equal(["close"], _writer.Texts);
    }

    private static void Post(OutboundQueue queue, string text)
    {
        if (queue.Post(Frame.OfGroup(FrameKind.Text, Encoding.UTF8.GetBytes(text))))
            queue.Drain();
    }

    private static Task Finish(OutboundQueue queue) => Wait.For(queue.FinishAsync(Frame.Close(1000, null)), "the queue to finish");

    /// <summary>Completes every third write on another thread: both ways of draining run.</summary>
    private sealed class SometimesLate(FakeWriter inner) : IFrameWriter
    {
        private int _count;

        public ValueTask WriteAsync(ReadOnlySpan<Frame> frames)
        {
            var written = inner.WriteAsync(frames);
            return _count++ % 3 == 0 ? Late(written) : written;
        }

        public void OnOverflow() => inner.OnOverflow();

        public void OnBroken(Exception exception) => inner.OnBroken(exception);

        private static async ValueTask Late(ValueTask written)
        {
            await Task.Yield();
            await written;
        }
    }
}
