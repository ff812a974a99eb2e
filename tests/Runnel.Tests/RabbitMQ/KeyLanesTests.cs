using Runnel.Layers;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class KeyLanesTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly List<Delivery> _expired = [];
    private readonly KeyLanes _lanes;

    public KeyLanesTests() => _lanes = new KeyLanes(_clock, _expired.Add);

    [Fact]
    public void Of_each_key_only_the_first_is_handed_out_until_it_is_settled()
    {
        var (a1, a2, b1) = (Add("a"), Add("a"), Add("b"));

        Assert.Equal([a1, b1, null], [_lanes.Take(), _lanes.Take(), _lanes.Take()]);
        _lanes.Remove(a1);

        Assert.Same(a2, _lanes.Take());
        _lanes.Remove(a2);
        _lanes.Remove(b1);
        Assert.Equal((0, null), (_lanes.Count, _lanes.Next));
    }

    [Fact]
    public void One_that_is_given_back_for_later_keeps_its_place_and_other_keys_go_on()
    {
        var (a1, a2, b1) = (Add("a"), Add("a"), Add("b"));
        _lanes.Take();
        _lanes.GiveBack(a1, TimeSpan.FromSeconds(10));

        Assert.Equal([b1, null], [_lanes.Take(), _lanes.Take()]);
        _clock.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Null(_lanes.Take());
        Assert.NotNull(_lanes.Next);
        _clock.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Equal([a1, null], [_lanes.Take(), _lanes.Take()]);
        _lanes.Remove(a1);
        Assert.Same(a2, _lanes.Take());
    }

    [Fact]
    public void One_that_expires_while_it_waits_for_its_time_is_out_of_the_way()
    {
        var now = _clock.GetUtcNow();
        var first = Add("a", envelope => envelope with { NotBefore = now.AddHours(1), ExpiresAt = now.AddSeconds(2) });
        var next = Add("a");

        Assert.Null(_lanes.Take());
        _clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Same(next, _lanes.Take());
        Assert.Equal([first], _expired);
    }

    [Fact]
    public void Nothing_of_a_shard_that_is_to_leave_is_handed_out_until_it_stays()
    {
        var leaving = NewConsumer();
        leaving.IsLeaving = true;
        var (leaves, stays) = (Add("a", consumer: leaving), Add("b"));

        Assert.Equal([stays, null], [_lanes.Take(), _lanes.Take()]);
        leaving.IsLeaving = false;
        _lanes.LineAgain(leaving);

        Assert.Equal([leaves, null], [_lanes.Take(), _lanes.Take()]);
    }

    [Fact]
    public void One_that_was_lined_up_twice_and_given_back_for_later_is_not_early()
    {
        var consumer = NewConsumer();
        var first = Add("a", consumer: consumer);
        _lanes.LineAgain(consumer);

        Assert.Same(first, _lanes.Take());
        _lanes.GiveBack(first, TimeSpan.FromSeconds(10));

        Assert.Null(_lanes.Take());
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal([first, null], [_lanes.Take(), _lanes.Take()]);
    }

    [Fact]
    public void What_the_broker_has_taken_back_is_in_nobodys_way()
    {
        var (gone, stays) = (Add("a"), Add("a"));

        _lanes.RemoveAll(delivery => delivery == gone);

        Assert.Equal([stays, null], [_lanes.Take(), _lanes.Take()]);
        Assert.Equal(1, _lanes.Count);
    }

    private static QueueConsumer NewConsumer() => new(null!, new Acknowledgements(null!), new BrokerQueue("shard", new Dictionary<string, object?>()), window: 10, isShard: true);

    private Delivery Add(string key, Func<Envelope, Envelope>? change = null, QueueConsumer? consumer = null)
    {
        var envelope = new Envelope(new Message("pay", default)) { Id = MessageId.New(_clock), Key = key };
        var delivery = new Delivery(consumer!, tag: 0, StoredMessage.Of(change?.Invoke(envelope) ?? envelope), returns: 0);
        _lanes.Add(delivery);
        return delivery;
    }
}
