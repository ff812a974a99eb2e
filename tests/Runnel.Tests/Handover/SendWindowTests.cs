using Runnel.Handover;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>How much a consumer in a worker may have on its way to its client.</summary>
public sealed class SendWindowTests
{
    private static readonly Frame Small = Frame.Text("text");
    private static readonly Frame Large = Frame.Text(new string('x', SendWindow.MostBytes));

    private SendWindow _window;

    [Fact]
    public void So_many_frames_or_bytes_may_be_on_their_way_and_the_last_frame_may_go_over()
    {
        for (var frames = 0; frames < SendWindow.MostFrames; frames++)
        {
            Assert.True(_window.HasRoom);
            _window.Send(Small);
        }
        Assert.False(_window.HasRoom);
        _window.Take(SendWindow.MostFrames, SendWindow.MostFrames * (long)Small.Length);

        Assert.True(_window.HasRoom);
        _window.Send(Large);
        Assert.False(_window.HasRoom);
        _window.Take(1, Large.Length);
        Assert.True(_window.HasRoom);
    }

    [Fact]
    public async Task Frames_wait_in_line_for_room_and_no_other_goes_before_them()
    {
        _window.Send(Large);
        var (first, second) = (_window.Wait(Large), _window.Wait(Small));
        Assert.Null(_window.Next());

        _window.Take(1, Large.Length);
        Assert.False(_window.HasRoom);
        Assert.Same(Large, _window.Next());
        _window.Send(Large);
        Assert.Null(_window.Next());

        await first.Task;
        Assert.False(second.Task.IsCompleted);
    }

    [Fact]
    public void A_frame_whose_sender_does_not_wait_any_more_is_left_out()
    {
        _window.Send(Large);
        _window.Wait(Large).SetCanceled(TestContext.Current.CancellationToken);
        _window.Wait(Small);

        _window.Take(1, Large.Length);

        Assert.Same(Small, _window.Next());
        Assert.True(_window.HasRoom);
    }
}
