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
    public void A_frame_that_was_held_waits_for_the_event_before_it_when_the_consumer_has_connected()
    {
        var client = new ClientPositions("", "client:1f6b0c9e", [], seals: null!, new(10_000));
        var member = new GroupMember(1, new OutboundQueue(new OutboundOptions(), _writer), client, _sink, new(10_000));
        var note = Kept("note", 1, EnvelopeKind.Message);
        member.Deliver(note);
        member.Deliver(Kept(GroupMessage.JsonType, 2, EnvelopeKind.TextFrame));

        member.Release();
        Assert.Equal(["""{"joined":[],"lost":[]}"""], _writer.Texts);
        member.Handled(note);

        Assert.Equal(["""{"joined":[],"lost":[]}""", """{"payload":1,"position":"tag.1:2"}"""], _writer.Texts);
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

    [Fact]
    public void What_was_held_for_a_stream_that_ends_makes_room_for_the_others_on_its_socket()
    {
        var waiting = new WaitingBytes(10_000);
        var member = new GroupMember(1, new OutboundQueue(new OutboundOptions(), _writer), "news", _sink, waiting);
        Deliver(member, "1");
        Deliver(member, "2");
        Assert.NotEqual(0, waiting.Value);

        member.LeaveAll();
        member.Release();

        Assert.Equal(0, waiting.Value);
    }

    [Fact]
    public void Frames_that_line_up_behind_an_event_when_the_connection_ends_are_counted_and_so_are_those_that_come_later()
    {
        using var counts = new Counts();
        var client = new ClientPositions("", "client:1f6b0c9e", [], seals: null!, new(10_000));
        client.TryLineUp(Kept("note", 1, EnvelopeKind.Message), out _);
        client.TryLineUp(Kept(GroupMessage.JsonType, 2, EnvelopeKind.TextFrame), out _);
        client.TryLineUp(Kept(GroupMessage.JsonType, 3, EnvelopeKind.TextFrame), out _);

        client.End();
        var atTheEnd = counts[RunnelTelemetry.MessagesDropped, "connection-gone"];
        client.TryLineUp(Kept("note", 4, EnvelopeKind.Message), out _); // that is counted where it waits for the consumer
        client.TryLineUp(Kept(GroupMessage.JsonType, 5, EnvelopeKind.TextFrame), out _);

        Assert.Equal((2, 3), (atTheEnd, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]));
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

    private static GroupMessage Kept(string type, int offset, EnvelopeKind kind) =>
        new(new Envelope(new Message(type, "1"u8.ToArray()), kind), new GroupPlace("news", "tag", new Position(1, offset)));

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
