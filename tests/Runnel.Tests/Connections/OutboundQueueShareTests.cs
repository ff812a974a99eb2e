using System.Text;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How a consumer and its groups share what may wait for one client.</summary>
public sealed class OutboundQueueShareTests
{
    private readonly FakeWriter _writer = new();

    [Fact]
    public async Task A_consumers_large_messages_go_one_by_one()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 1000 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Binary(new byte[5000]));
        var second = queue.SendAsync(Frame.Binary(new byte[5000])).AsTask();
        var third = queue.SendAsync(Frame.Binary(new byte[5000])).AsTask();
        Assert.False(second.IsCompleted);

        _writer.Unblock();
        await Wait.For(Task.WhenAll(second, third), "room");
        await Finish(queue);

        Assert.Equal([5000, 5000, 5000], _writer.Frames.Take(3).Select(frame => frame.Payload.Length));
    }

    [Fact]
    public async Task A_consumer_that_sends_much_leaves_room_for_its_groups()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 100_000 }, _writer);
        _writer.Block();
        var sent = new List<Task>();
        for (var i = 0; i < 100; i++)
            sent.Add(queue.SendAsync(Frame.Binary(new byte[1000])).AsTask());
        Assert.InRange(sent.Count(task => task.IsCompleted), 2, 25);

        for (var i = 0; i < 50; i++)
            Post(queue, new string('x', 1000));

        Assert.Equal(0, _writer.Overflows);
        _writer.Unblock();
        await Wait.For(Task.WhenAll(sent), "the consumer");
    }

    [Theory]
    [InlineData(OutboundPolicy.DropOldest)]
    [InlineData(OutboundPolicy.LatestOnly)]
    public async Task A_consumers_own_frames_and_pongs_get_in_although_a_group_keeps_the_queue_full(OutboundPolicy policy)
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4_000, Policy = policy }, _writer);
        _writer.Block();
        PostMany(queue, 5);
        var own = queue.SendAsync(Frame.Text("own")).AsTask();
        var pong = queue.SendAsync(Frame.Of(FrameKind.Pong, "pong"u8)).AsTask();

        for (var i = 0; i < 5; i++)
        {
            await _writer.UnblockOneAsync();
            PostMany(queue, 5);
        }

        Assert.Equal(["own", "pong"], _writer.Texts.Where(text => text.Length < 1000));
        Assert.True(own.IsCompletedSuccessfully && pong.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_consumer_has_its_quarter_although_its_groups_fill_all_and_no_more_than_that()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 100_000, Policy = OutboundPolicy.DropOldest }, _writer);
        _writer.Block();
        PostMany(queue, 200);

        var sent = new List<Task>();
        for (var i = 0; i < 100; i++)
            sent.Add(queue.SendAsync(Frame.Binary(new byte[1000])).AsTask());

        Assert.InRange(sent.Count(task => task.IsCompleted), 20, 25);
        _writer.Unblock();
        await Wait.For(Task.WhenAll(sent), "the consumer");
    }

    [Fact]
    public async Task A_consumers_own_frame_that_waits_does_not_cut_a_client_whose_group_sends_large_messages()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4_000 }, _writer);
        _writer.Block();
        Post(queue, new string('1', 3_000));
        var own = queue.SendAsync(Frame.Text("own")).AsTask();

        Post(queue, new string('2', 3_000));

        Assert.Equal(0, _writer.Overflows);
        _writer.Unblock();
        await Wait.For(own, "room");
        await Finish(queue);
        Assert.Equal([new string('1', 3_000), "own", new string('2', 3_000), "close"], _writer.Texts);
    }

    [Fact]
    public async Task What_a_client_missed_fills_a_quarter_at_most_and_live_messages_have_the_rest()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 100_000 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        var missed = Frame.OfGroup(FrameKind.Text, new byte[1000]);
        var replayed = 0;
        while (replayed < 100 && queue.TryReplay(missed))
            replayed++;

        PostMany(queue, 70);

        Assert.InRange(replayed, 20, 24);
        Assert.Equal(0, _writer.Overflows);
        _writer.Unblock();
        await Finish(queue);
    }

    [Fact]
    public async Task A_consumers_short_messages_count_with_all_that_it_costs_to_keep_them()
    {
        const int Cost = 2 + 1 + 16 + 64; // head and content of a frame, its place in the queue, and its objects, which no other client shares
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4 * 10 * Cost }, _writer);
        _writer.Block();
        var sent = new List<Task>();

        for (var i = 0; i < 30; i++)
            sent.Add(queue.SendAsync(Frame.Text("x")).AsTask());

        Assert.Equal(10, sent.Count(task => task.IsCompleted));
        _writer.Unblock();
        await Wait.For(Task.WhenAll(sent), "the consumer");
    }

    [Fact]
    public async Task What_a_client_missed_is_not_more_messages_than_may_wait()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 3 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        var missed = Frame.OfGroup(FrameKind.Text, "missed"u8);
        var replayed = 0;

        while (replayed < 10 && queue.TryReplay(missed))
            replayed++;

        Assert.Equal(3, replayed);
        _writer.Unblock();
        await Finish(queue);
    }

    private static void PostMany(OutboundQueue queue, int count)
    {
        for (var i = 0; i < count; i++)
            Post(queue, new string('x', 1000));
    }

    private static void Post(OutboundQueue queue, string text)
    {
        if (queue.Post(Frame.OfGroup(FrameKind.Text, Encoding.UTF8.GetBytes(text))))
            queue.Drain();
    }

    private static Task Finish(OutboundQueue queue) => Wait.For(queue.FinishAsync(Frame.Close(1000, null)), "the queue to finish");
}
