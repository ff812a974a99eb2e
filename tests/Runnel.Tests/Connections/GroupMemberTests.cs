using System.Text.Json;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The half of a connection that stays with its socket: it needs a queue and somebody who takes events, and no consumer.</summary>
[Collection(nameof(Metered))]
public sealed class GroupMemberTests
{
    private readonly FakeWriter _writer = new();
    private readonly Sink _sink = new();

    [Fact]
    public void What_was_held_goes_out_in_order_and_before_what_comes_later()
    {
        var member = Create(maxHeldBytes: 10_000);
        Deliver(member, "1");
        Deliver(member, "2");
        Assert.Empty(_writer.Texts);

        member.Release();
        Deliver(member, "3");

        Assert.Equal(["1", "2", "3"], _writer.Texts);
    }

    [Fact]
    public void A_held_frame_that_cannot_be_encoded_is_counted_and_keeps_nothing_back()
    {
        using var counts = new Counts();
        var member = Create(maxHeldBytes: 10_000, stream: "news");
        foreach (var json in new[] { "1", "{no json", "2" })
            member.Deliver(Frame(json, GroupMessage.JsonType));

        var failure = member.Release();
        member.Deliver(Frame("3", GroupMessage.JsonType))?.Drain();

        Assert.NotNull(failure);
        Assert.Equal(["1", "2", "3"], _writer.Texts.Select(text => JsonDocument.Parse(text).RootElement.GetProperty("payload").GetRawText()));
        Assert.Equal(1, counts[RunnelTelemetry.MessagesDropped, "unreadable"]);
    }

    [Fact]
    public void Frames_are_held_no_longer_although_one_could_not_be_handed_on()
    {
        var held = new HeldFrames(new(10_000));
        held.TryAdd(Frame("1"), out _);

        Assert.Throws<FormatException>(() => held.Release(_ => throw new FormatException()));

        Assert.False(held.TryAdd(Frame("late"), out _));
    }

    [Fact]
    public void A_frame_that_cannot_be_held_is_told_and_nothing_follows_the_gap()
    {
        var member = Create(maxHeldBytes: 300);
        foreach (var text in new[] { "1", "2", "lost", "lost, too" })
            Deliver(member, text);

        member.Release();

        Assert.Equal([2, 2], _sink.Overflows);
        Assert.Equal(["1", "2"], _writer.Texts);
    }

    [Fact]
    public void A_small_frame_does_not_follow_a_large_one_that_could_not_be_held()
    {
        var member = Create(maxHeldBytes: 400);
        foreach (var text in new[] { "1", new string('x', 300), "small" })
            Deliver(member, text);

        member.Release();

        Assert.Equal([1, 1], _sink.Overflows);
        Assert.Equal(["1"], _writer.Texts);
    }

    [Fact]
    public async Task What_was_missed_waits_for_an_event_that_the_consumer_handles()
    {
        var client = new ClientPositions("", "client:1f6b0c9e", [], seals: null!, new(10_000));
        var member = new GroupMember(1, new OutboundQueue(new OutboundOptions(), _writer), client, _sink, new(10_000));
        member.Release();
        var live = new GroupMessage(new Envelope(new Message("note", default)), new GroupPlace("other", "other", new Position(1, 1)));
        member.Deliver(live);

        var replayed = member.ReplayAsync(new GroupMessage(Frame("1", GroupMessage.JsonType).Envelope, new GroupPlace("news", "news", new Position(1, 1))), client).AsTask();
        Assert.False(replayed.IsCompleted);
        member.Handled(live);
        await replayed;

        Assert.Equal(["""{"joined":[],"lost":[]}""", """{"position":"other.1:1"}""", """{"payload":1,"position":"news.1:1"}"""], _writer.Texts);
    }

    [Fact]
    public void Nobody_waits_for_the_events_of_a_member_that_has_left_all_its_groups()
    {
        var client = new ClientPositions("", "client:1f6b0c9e", [], seals: null!, new(10_000));
        var member = new GroupMember(1, new OutboundQueue(new OutboundOptions(), _writer), client, _sink, new(10_000));
        member.Deliver(new GroupMessage(new Envelope(new Message("note", default)), new GroupPlace("news", "news", new Position(1, 1))));
        var waiting = client.LineEndedAsync();
        Assert.False(waiting.IsCompleted);

        member.LeaveAll();

        Assert.True(waiting.IsCompleted);
    }

    [Fact]
    public void What_is_held_for_a_connection_that_ends_is_not_sent_but_counted()
    {
        using var counts = new Counts();
        var member = Create(maxHeldBytes: 10_000);
        Deliver(member, "1");
        Deliver(member, "2");

        member.LeaveAll();
        member.Release();

        Assert.Empty(_writer.Texts);
        Assert.Equal(2, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_frame_that_comes_too_late_to_be_held_is_not(bool released)
    {
        var held = new HeldFrames(new(10_000));

        if (released)
            held.Release(_ => { });
        else
            held.Drop();

        Assert.False(held.TryAdd(Frame("late"), out _));
    }

    [Fact]
    public void An_event_goes_to_whoever_runs_the_consumer_and_is_not_held()
    {
        var member = Create(maxHeldBytes: 10_000);
        var message = new GroupMessage(new Envelope(new Message("tick", "1"u8.ToArray())));

        member.Deliver(message);

        Assert.Same(message, Assert.Single(_sink.Events));
    }

    private GroupMember Create(int maxHeldBytes, string? stream = null) => new(1, new OutboundQueue(new OutboundOptions(), _writer), stream, _sink, new(maxHeldBytes));

    private static void Deliver(GroupMember member, string text) =>
        member.Deliver(Frame(text))?.Drain();

    private static GroupMessage Frame(string text, string type = GroupMessage.PlainType) =>
        new(new Envelope(new Message(type, System.Text.Encoding.UTF8.GetBytes(text)), EnvelopeKind.TextFrame));

    private sealed class Sink : IEventSink
    {
        public List<GroupMessage> Events { get; } = [];

        public List<int> Overflows { get; } = [];

        public void Post(GroupMessage message) => Events.Add(message);

        public void OnOverflow(int held) => Overflows.Add(held);
    }
}
