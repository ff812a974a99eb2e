using Runnel.Layers;
using Runnel.Layers.Topics;
using Xunit;

namespace Runnel.Tests;

/// <summary>What a topic holds back: so many messages and bytes, and nothing out of order.</summary>
public sealed class TopicHeldMessagesTests
{
    private const int Mebibyte = 1024 * 1024;

    private readonly HeldMessages _held = new();

    [Fact]
    public void What_was_handed_on_takes_no_room()
    {
        for (var i = 1; i <= 5; i++)
        {
            Add(i, 10 * Mebibyte);
            _held.RemoveFirst(1);
        }

        Add(6, 8 * Mebibyte);
        Add(7, 8 * Mebibyte);
        Assert.Equal((2, false), (_held.Count, _held.HasLeftOut));
        Add(8, 1);
        Assert.Equal((2, true), (_held.Count, _held.HasLeftOut));
    }

    [Fact]
    public void Nothing_small_is_held_behind_a_large_message_that_was_left_out()
    {
        Add(1, 10 * Mebibyte);
        Add(2, 10 * Mebibyte);
        Add(3, 1);

        Assert.Equal((1, true), (_held.Count, _held.HasLeftOut));
    }

    [Fact]
    public void Which_messages_were_heard_before_the_history_was_read_is_known_though_those_before_them_are_gone()
    {
        Add(1, 1);
        Add(2, 1);
        Add(3, 1);
        _held.BeginRead();
        Add(4, 1);

        _held.RemoveFirst(2);

        Assert.Equal([true, false], [_held.WasHeardBeforeRead(0), _held.WasHeardBeforeRead(1)]);
    }

    private void Add(long offset, int bytes) => _held.Add(new BackplaneMessage(new Position(1, offset), new byte[bytes]), canBeRead: true);
}
