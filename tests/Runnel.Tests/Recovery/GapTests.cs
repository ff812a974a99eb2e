using System.Text.Json;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>What members are told of messages that are missing.</summary>
[Collection(nameof(Metered))]
public sealed class GapTests
{
    private readonly TornBackplane _backplane = new(new InMemoryBackplane(TimeProvider.System));

    [Theory]
    [InlineData("articles")]
    [InlineData("of-no-history")]
    public async Task A_member_of_a_group_that_may_have_missed_messages_is_sent_away_and_comes_back(string group)
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await FakeConnection.ConnectAsync(node);
        using var other = await FakeConnection.ConnectAsync(node);
        await member.Groups.AddAsync(group);
        await other.Groups.AddAsync("another");

        using var counts = new Counts();
        _backplane.Tear(group);
        await Wait.Until(() => !member.Closes.IsEmpty, "the member is sent away");

        Assert.Equal([CloseCode.TryAgainLater], member.Closes);
        Assert.Empty(other.Closes);
        Assert.Equal((1, 0), (counts[RunnelTelemetry.GroupGaps, "cut-off"], counts[RunnelTelemetry.GroupGaps, "lost"]));
    }

    [Fact]
    public async Task Messages_that_are_certainly_missing_are_counted_apart_and_warned_of()
    {
        using var counts = new Counts();
        using var log = new RecordedLog();
        await using var node = GreetedConnection.CreateNode(_backplane, logs: log);
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);

        _backplane.Tear("articles", new TopicGap(new Position(1, 1), Resumes: new Position(1, 9)));

        Assert.Equal((0, 1), (counts[RunnelTelemetry.GroupGaps, "cut-off"], counts[RunnelTelemetry.GroupGaps, "lost"]));
        Assert.Equal((1020, LogLevel.Warning), (Assert.Single(log.AtLeast(LogLevel.Warning)).Id, log.Of(1020).Single().Level));
    }

    [Fact]
    public async Task Joins_of_clients_that_can_recover_are_counted()
    {
        using var counts = new Counts();
        await using var node = GreetedConnection.CreateNode(_backplane);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        using var back = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, shown);

        Assert.Equal(["recovered"], back.Outcomes());
        Assert.Equal((1, 1), (counts[RunnelTelemetry.GroupJoins, "New"], counts[RunnelTelemetry.GroupJoins, "Recovered"]));
    }

    [Fact]
    public async Task A_stream_whose_client_is_to_come_back_takes_its_socket_along_since_only_a_new_one_opens_it_again()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var socket = await FakeConnection.ConnectAsync(node, new DemultiplexerBuilder().Stream<GroupsConsumer>("articles").Stream("other", _ => { }).Describe());

        _backplane.Tear("articles");
        await Wait.Until(() => !socket.Closes.IsEmpty, "the client is sent away");

        Assert.Equal([CloseCode.TryAgainLater], socket.Closes);
    }

    [Fact]
    public async Task Reads_of_history_are_counted_for_all_who_come_back_together()
    {
        using var counts = new Counts();
        await using var node = GreetedConnection.CreateNode(_backplane);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 3);

        using var one = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, shown);
        using var another = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, shown);
        await one.GotAsync(3);
        await another.GotAsync(3);

        Assert.Equal(1, counts[RunnelTelemetry.GroupHistoryReads]);
    }

    [Fact]
    public async Task A_consumer_that_deals_with_the_gap_itself_keeps_its_client_which_gets_a_new_position()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var first = await GreetedConnection.ConnectAsync<ResendingConsumer>(node);
        await node.SendAsync(1, 1);
        await first.GotAsync(1);

        _backplane.Tear("articles");
        await Wait.Until(() => first.Outcomes().Count == 2, "the client is told where it stands");
        await node.SendAsync(2, 2);
        await first.GotAsync(3);
        await first.CutAsync();
        await node.SendAsync(3, 3);
        using var second = await GreetedConnection.ConnectAsync<ResendingConsumer>(node, first.Shown());
        await second.GotAsync(1);

        Assert.Empty(first.Closes);
        Assert.Equal(["new", "gap"], first.Outcomes());
        Assert.Equal(["1", "snapshot of articles", "2"], first.Payloads());
        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Equal(["3"], second.Payloads());
    }

    [Fact]
    public async Task A_consumer_that_could_not_deal_with_the_gap_gives_its_client_no_new_position()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<FailingConsumer>(node);

        _backplane.Tear("articles");
        await Wait.Until(() => !member.Closes.IsEmpty, "the failure closes the connection");
        await member.CutAsync();

        Assert.Equal([CloseCode.InternalError], member.Closes);
        Assert.Equal(["new"], member.Outcomes());
    }

    [Fact]
    public async Task A_consumer_that_leaves_the_group_because_of_the_gap_gets_no_position_of_it()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<LeavingConsumer>(node);

        _backplane.Tear("articles");
        await DoneAsync(node, member);

        Assert.Single(member.Of("left"));
        Assert.Equal(["new"], member.Outcomes());
    }

    [Fact]
    public async Task A_gap_in_a_group_without_history_is_the_consumers_alone()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<LeavingConsumer>(node);
        await node.Groups.AddAsync("of-no-history", StreamOf(node, member));

        _backplane.Tear("of-no-history");
        await DoneAsync(node, member);

        Assert.Empty(member.Of("gap"));
        Assert.Empty(member.Of("left"));
        Assert.Equal(["new", "new"], member.Outcomes());
        Assert.Equal(0, node.Groups.CountOf("of-no-history"));
    }

    [Fact]
    public async Task A_consumer_that_deals_with_a_gap_in_a_group_without_history_stays_and_its_client_is_told_nothing()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<ResendingConsumer>(node);
        await node.Groups.AddAsync("of-no-history", StreamOf(node, member));

        _backplane.Tear("of-no-history");
        await DoneAsync(node, member);

        Assert.Equal(["snapshot of of-no-history", "done"], member.Payloads());
        Assert.Empty(member.Of("gap"));
        Assert.Equal(["new", "new"], member.Outcomes());
    }

    [Fact]
    public async Task A_connection_that_joins_again_has_missed_nothing_and_its_client_is_told_nothing()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<TwiceConsumer>(node);

        await node.SendAsync(1, 1);
        await member.GotAsync(2);

        Assert.Equal(["Recovered", "1"], member.Payloads());
        Assert.Equal(["new"], member.Outcomes());
        Assert.Equal(1, node.Groups.CountOf("articles"));
    }

    [Fact]
    public async Task A_history_that_is_trimmed_before_a_slow_client_gets_there_is_a_gap_that_is_told_and_counted()
    {
        using var counts = new Counts();
        var clock = new ManualTimeProvider();
        await using var node = GreetedConnection.CreateNode(new TornBackplane(new InMemoryBackplane(clock)), clock, messages: 300);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 300);
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(
            node, shown, options: new OutboundOptions { MaxBytes = 8_000 }, prepare: writer => writer.Block());

        clock.Advance(TimeSpan.FromSeconds(30)); // nobody reads, so the pages are dropped
        await node.SendAsync(301, 700);
        second.Writer.Unblock();
        await Wait.Until(() => !second.Closes.IsEmpty, "the client is sent away");
        await second.ToldOfGapAsync();

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Single(second.Of("gap"));
        Assert.Equal(1, counts[RunnelTelemetry.GroupGaps, "lost"]);
    }

    [Fact]
    public async Task The_gap_comes_before_any_later_message()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<ResendingConsumer>(node); // it stays: whom the gap sends away may be gone before the next message
        await node.SendAsync(1, 1);

        _backplane.Tear("articles");
        await node.SendAsync(2, 2);
        await member.GotAsync(3); // the snapshot is one of them

        var (first, gap, second) = (At("\"payload\":1"), At("\"gap\":"), At("\"payload\":2"));
        Assert.True(first < gap && gap < second, string.Join('\n', member.Writer.Texts));

        int At(string text) => member.Writer.Texts.FindIndex(message => message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_without_a_place_in_a_group_with_history_is_told_once_and_each_is_counted()
    {
        using var counts = new Counts();
        using var log = new RecordedLog();
        await using var node = GreetedConnection.CreateNode(_backplane, logs: log);
        await using var careless = FakeConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);

        await careless.SendAsync(1, 2);
        await member.GotAsync(2);

        Assert.Equal(["1", "2"], member.Payloads());
        Assert.Equal(2, counts[RunnelTelemetry.GroupGaps, "not-kept"]);
        Assert.Single(log.AtLeast(LogLevel.Warning));
    }

    [Fact]
    public async Task A_group_that_the_consumer_left_is_not_shown_again()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        var tag = member.Shown().Position.Split('.')[0];

        await node.Groups.RemoveAsync("articles", StreamOf(node, member));
        await Wait.Until(() => member.Of("left").Any(), "the client is told");

        Assert.Equal([tag], member.Of("left").Select(left => left.GetString()));
    }

    [Fact]
    public async Task A_membership_that_was_added_from_outside_is_told_and_when_the_client_comes_back_its_loss_is()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var first = await GreetedConnection.ConnectAsync<LonelyConsumer>(node);
        await node.Groups.AddAsync("articles", StreamOf(node, first));
        await Wait.Until(() => first.Of("joined").Count() == 2, "the client is told");
        var shown = (Position: first.Of("joined").Last()[0].GetProperty("position").GetString()!, Seal: first.Of("joined").Last()[0].GetProperty("seal").GetString()!);
        await first.CutAsync();

        using var second = await GreetedConnection.ConnectAsync<LonelyConsumer>(node, shown);

        Assert.Equal(["new"], first.Outcomes());
        Assert.Empty(second.Outcomes());
        Assert.Equal([shown.Position], second.Of("lost").Single().EnumerateArray().Select(position => position.GetString()));
    }

    // The consumer's connection is a stream of the socket, and was made right after it.
    private static ChannelName StreamOf(FakeNode node, FakeConnection socket) => node.Context.ChannelNameOf(socket.Number + 1);

    // What the consumer was given before has been dealt with.
    private static async Task DoneAsync(FakeNode node, FakeConnection member)
    {
        node.Members.Find(member.Number + 1)!.PostEvent(new GroupMessage(new Envelope(new Message("done", default))));
        await Wait.Until(() => member.Payloads().LastOrDefault() == "done", "the consumer is done");
    }

    private sealed class LonelyConsumer : JsonWebSocketConsumer
    {
        public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class LeavingConsumer : ArticlesConsumer
    {
        public override async Task OnGapAsync(GroupName group, CancellationToken cancellationToken) => await Groups.RemoveAsync(group, cancellationToken);
    }

    private sealed class FailingConsumer : ArticlesConsumer
    {
        public override Task OnGapAsync(GroupName group, CancellationToken cancellationToken) => throw new InvalidOperationException("as told");
    }

    private sealed class TwiceConsumer : ArticlesConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await base.OnConnectAsync(cancellationToken);
            var again = await Groups.AddAsync("articles", cancellationToken);
            await SendJsonAsync($"{again.Outcome}", cancellationToken);
        }
    }
}
