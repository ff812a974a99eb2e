using System.Text;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>A consumer that sends more than there is room for waits.</summary>
public sealed class OutboundQueueRoomTests
{
    private readonly FakeWriter _writer = new();

    [Fact]
    public async Task A_consumers_send_waits_for_room_and_goes_on()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 1 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        var third = queue.SendAsync(Frame.Text("finds no room")).AsTask();
        var fourth = queue.SendAsync(Frame.Text("stands in line")).AsTask();

        Assert.False(third.IsCompleted);
        _writer.Unblock();
        await Wait.For(Task.WhenAll(third, fourth), "room");
        await Finish(queue);

        Assert.Equal(["on the wire", "waits", "finds no room", "stands in line", "close"], _writer.Texts);
    }

    [Fact]
    public async Task A_small_frame_for_which_there_is_room_does_not_overtake_a_large_one_that_waits_for_it()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4_000 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        var large = queue.SendAsync(Frame.Text(new string('x', 990))).AsTask();
        var small = queue.SendAsync(Frame.Text("small")).AsTask();

        Assert.False(large.IsCompleted);
        _writer.Unblock();
        await Wait.For(Task.WhenAll(large, small), "room");
        await Finish(queue);

        Assert.Equal(["on the wire", "waits", new string('x', 990), "small", "close"], _writer.Texts);
    }

    [Fact]
    public async Task What_a_client_missed_does_not_overtake_what_waits_for_room()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4_000 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        var large = queue.SendAsync(Frame.Text(new string('x', 990))).AsTask();

        Assert.False(queue.TryReplay(Frame.OfGroup(FrameKind.Text, "missed"u8)));

        _writer.Unblock();
        await Wait.For(large, "room");
    }

    [Fact]
    public async Task What_a_client_missed_goes_into_an_empty_queue_however_large_it_is()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxBytes = 4_000 }, _writer);
        var large = new string('x', 3_900);

        await Wait.For(queue.ReplayAsync(Frame.OfGroup(FrameKind.Text, Encoding.UTF8.GetBytes(large))).AsTask(), "room");
        await Finish(queue);

        Assert.Equal([large, "close"], _writer.Texts);
    }

    [Fact]
    public async Task A_wait_for_room_that_is_cancelled_sends_nothing_and_holds_nobody_up()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 1 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        using var cancelled = new CancellationTokenSource();
        var third = queue.SendAsync(Frame.Text("cancelled"), cancelled.Token).AsTask();
        var fourth = queue.SendAsync(Frame.Text("goes on")).AsTask();

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        _writer.Unblock();
        await Wait.For(fourth, "room");
        await Finish(queue);

        Assert.Equal(["on the wire", "waits", "goes on", "close"], _writer.Texts);
    }

    [Fact]
    public async Task A_client_that_is_gone_lets_go_whoever_waits_for_room()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 1 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        var third = queue.SendAsync(Frame.Text("third")).AsTask();

        var ended = queue.AbandonAsync();

        await Wait.For(third, "the sender to be let go");
        Assert.True(queue.SendAsync(Frame.Text("later")).AsTask().IsCompletedSuccessfully);
        Assert.False(queue.Post(Frame.Text("later")));
        Assert.False(ended.IsCompleted); // the carrier's memory is in use until the write has ended
        _writer.Unblock();
        await Wait.For(ended, "the write to end");
        Assert.Equal(["on the wire"], _writer.Texts);
    }

    [Fact]
    public async Task A_consumers_frame_that_still_waits_for_room_does_not_follow_the_last_frame()
    {
        var queue = new OutboundQueue(new OutboundOptions { MaxMessages = 1 }, _writer);
        _writer.Block();
        await queue.SendAsync(Frame.Text("on the wire"));
        await queue.SendAsync(Frame.Text("waits"));
        var third = queue.SendAsync(Frame.Text("finds no room")).AsTask();

        var finished = queue.FinishAsync(Frame.Close(1000, null));
        _writer.Unblock();
        await Wait.For(Task.WhenAll(finished, third), "the queue to finish, and the sender to be let go");

        Assert.Equal(["on the wire", "waits", "close"], _writer.Texts);
    }

    private static Task Finish(OutboundQueue queue) => Wait.For(queue.FinishAsync(Frame.Close(1000, null)), "the queue to finish");
}
