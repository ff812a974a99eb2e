using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class DelayNoteTests
{
    [Fact]
    public void What_a_delayed_message_carries_is_read_as_it_was_written()
    {
        var note = new DelayNote("c0ffee", -5, 1_500, "runnel.q:mail");

        Assert.True(DelayNote.TryParse(note.ToString(), out var read));

        Assert.Equal(note, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("c0ffee 1 2")]
    [InlineData("c0ffee x 2 q")]
    [InlineData("c0ffee 1 -2 q")]
    public void What_somebody_else_has_written_is_not_read(string? text) => Assert.False(DelayNote.TryParse(text, out _));
}
