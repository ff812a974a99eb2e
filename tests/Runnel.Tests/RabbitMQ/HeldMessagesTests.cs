using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class HeldMessagesTests
{
    private static readonly long Millisecond = TimeProvider.System.TimestampFrequency / 1_000;

    [Fact]
    public async Task Each_message_is_let_go_once_and_not_before_its_time()
    {
        var released = new ConcurrentQueue<(ulong Tag, long At)>();
        using var held = new HeldMessages((10, 1_000), message => released.Enqueue((message.Tag, TimeProvider.System.GetTimestamp())));
        var now = TimeProvider.System.GetTimestamp();
        var due = new Dictionary<ulong, long> { [1] = now + (60 * Millisecond), [2] = now + (20 * Millisecond), [3] = now, [4] = now + (20 * Millisecond) + 1 };

        foreach (var (tag, at) in due)
            held.Add(Of(tag), at);
        await Wait.Until(() => released.Count == due.Count, "all are let go");

        Assert.Equal(due.Keys, released.Select(each => each.Tag).Order());
        Assert.All(released, each => Assert.True(each.At >= due[each.Tag]));
    }

    [Fact]
    public async Task A_message_that_is_due_sooner_than_those_before_it_does_not_wait_for_them()
    {
        var released = new ConcurrentQueue<ulong>();
        using var held = new HeldMessages((10, 1_000), message => released.Enqueue(message.Tag));
        var now = TimeProvider.System.GetTimestamp();

        held.Add(Of(1), now + (3_600_000 * Millisecond));
        held.Add(Of(2), now + Millisecond);

        await Wait.Until(() => !released.IsEmpty, "one is let go");
        Assert.Equal([2UL], released);
    }

    [Fact]
    public async Task A_message_that_comes_when_all_were_let_go_is_let_go_too()
    {
        var released = new ConcurrentQueue<ulong>();
        using var held = new HeldMessages((10, 1_000), message => released.Enqueue(message.Tag));
        held.Add(Of(1), TimeProvider.System.GetTimestamp());
        await Wait.Until(() => !released.IsEmpty, "the first one is let go");

        held.Add(Of(2), TimeProvider.System.GetTimestamp() + Millisecond);

        await Wait.Until(() => released.Count == 2, "the second one is let go");
    }

    [Theory]
    [InlineData(2, 1_000)]
    [InlineData(10, 200)]
    public async Task There_is_no_room_for_more_until_some_are_let_go(int count, long bytes)
    {
        using var held = new HeldMessages((count, bytes), _ => { });
        var now = TimeProvider.System.GetTimestamp();

        held.Add(Of(1), now + (3_600_000 * Millisecond));
        Assert.False(held.IsFull);
        held.Add(Of(2), now + (30 * Millisecond));

        Assert.True(held.IsFull || TimeProvider.System.GetTimestamp() > now + (30 * Millisecond));
        await Wait.Until(() => !held.IsFull, "one is let go");
    }

    private static RelayedMessage Of(ulong tag) => new(null!, tag, "queue", new StoredMessage(MessageId.New(TimeProvider.System), "do", new byte[100]));
}
