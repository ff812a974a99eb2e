using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>How much room a channel has, as far as one process can tell.</summary>
public sealed class ChannelRoomTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly ChannelRoom _room;
    private long _stored;

    public ChannelRoomTests() => _room = new ChannelRoom(_clock, () => Task.FromResult(_stored));

    [Fact]
    public async Task Nobody_is_asked_again_for_a_second_until_a_quarter_of_what_was_free_is_taken()
    {
        Assert.False(_room.TryTake(1, capacity: 100));
        _stored = 20;
        Assert.True(await _room.TryTakeAsync(1, capacity: 100, unconfirmed: 0));

        Assert.True(_room.TryTake(19, capacity: 100));
        Assert.False(_room.TryTake(1, capacity: 100));
    }

    [Fact]
    public async Task What_others_have_stored_is_known_after_a_second()
    {
        Assert.True(await _room.TryTakeAsync(1, capacity: 100, unconfirmed: 0));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_room.TryTake(1, capacity: 100));

        _stored = 100;
        _clock.Advance(TimeSpan.FromSeconds(0.1));

        Assert.False(_room.TryTake(1, capacity: 100));
        Assert.False(await _room.TryTakeAsync(1, capacity: 100, unconfirmed: 0));
    }

    [Fact]
    public async Task What_is_on_its_way_may_be_in_the_queues_or_not_and_takes_its_room()
    {
        _stored = 5;

        Assert.True(await _room.TryTakeAsync(2, capacity: 10, unconfirmed: 3));
        Assert.False(await _room.TryTakeAsync(2, capacity: 10, unconfirmed: 4));
    }
}
