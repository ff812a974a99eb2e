using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>What a client is told of its groups, and what lines up behind an event that the consumer has not handled.</summary>
public sealed class ClientPositionsTests
{
    private const string Owner = "client:1f6b0c9e";

    private readonly PositionSeals _seals;

    public ClientPositionsTests()
    {
        var clock = new ManualTimeProvider();
        var node = new NodeContext(new RunnelOptions(), clock, NullLogger.Instance);
        _seals = new PositionSeals(node, new PositionKey(new HistoryStateStore(new InMemoryBackplane(clock), clock), node));
    }

    [Fact]
    public async Task A_position_that_was_told_as_lost_is_worth_nothing_to_a_group_that_is_joined_later()
    {
        await _seals.PrepareAsync(CancellationToken.None);
        var (news, sport) = (Shown("news"), Shown("sport"));
        var positions = Create(shown: [news, sport]);
        Assert.NotNull(positions.Claim("news"));

        var told = TextOf(positions.Release());

        Assert.Equal($$"""{"joined":[],"lost":["{{sport.Position}}"]}""", told);
        Assert.Null(positions.Claim("sport"));
    }

    [Fact]
    public async Task A_position_is_good_for_one_join_so_that_nobody_gets_twice_what_was_missed()
    {
        await _seals.PrepareAsync(CancellationToken.None);
        var positions = Create(shown: [Shown("news")]);

        Assert.Equal(new Position(1, 5), positions.Claim("news"));

        Assert.Null(positions.Claim("news"));
    }

    [Fact]
    public async Task A_group_that_was_left_before_the_consumer_had_connected_is_not_told_as_joined()
    {
        await _seals.PrepareAsync(CancellationToken.None);
        var positions = Create();
        positions.Joined("news", "tag", new Position(1, 1), JoinOutcome.New);

        Assert.Null(positions.Left("tag"));

        Assert.Equal("""{"joined":[],"lost":[]}""", TextOf(positions.Release()));
    }

    [Fact]
    public async Task A_seal_opens_for_its_own_stream_and_owner_alone_however_their_names_fit_together()
    {
        await _seals.PrepareAsync(CancellationToken.None);
        var shown = new ShownPosition("ab", $"{_seals.TagOf("news")}.1:5", _seals.Seal("news", new Position(1, 1), "ab", "client:c"));

        Assert.True(_seals.TryOpen(shown, "client:c", out _, out _));
        Assert.False(_seals.TryOpen(shown with { Stream = "a" }, "bclient:c", out _, out _));
    }

    [Fact]
    public void What_the_client_has_already_is_no_news_until_the_group_is_left()
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10));
        Assert.False(positions.IsNews(Place(5)));

        positions.Left("tag");

        Assert.True(positions.IsNews(Place(5)));
    }

    [Fact]
    public void A_gap_is_news_wherever_the_client_is()
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10));

        Assert.True(positions.IsNews(Place(5) with { IsGap = true }));
    }

    [Fact]
    public void A_gap_that_a_sender_reported_is_no_news_to_a_client_that_has_passed_it_and_is_to_any_other()
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10));
        GroupPlace ReportedAt(long epoch, long offset) => Place(5) with { IsGap = true, IsReported = true, Position = new Position(epoch, offset) };

        Assert.False(positions.IsNews(ReportedAt(1, 9)));
        Assert.False(positions.IsNews(ReportedAt(1, 10)));
        Assert.False(positions.IsNews(Place(10)));
        Assert.True(positions.IsNews(ReportedAt(1, 11)));

        positions.IsAhead("tag", new Position(1, 10));
        Assert.True(positions.IsNews(ReportedAt(2, 5)));
    }

    [Fact]
    public void A_gap_on_the_nodes_way_to_the_epoch_in_which_the_client_is_costs_that_client_nothing()
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10), isApart: true);

        Assert.False(positions.IsNews(Place(5) with { IsGap = true }));

        Assert.False(positions.IsNews(Place(10)));
        Assert.True(positions.IsNews(Place(5) with { IsGap = true })); // the next one is in the client's epoch
        Assert.True(positions.IsNews(Place(6)));
    }

    [Theory]
    [InlineData(1, 11)]
    [InlineData(2, 5)]
    public void A_gap_that_ends_behind_the_client_or_in_yet_another_epoch_is_news_and_what_follows_it_is_too(long epoch, long offset)
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10), isApart: true);

        Assert.True(positions.IsNews(Place(5) with { IsGap = true, Position = new Position(epoch, offset) }));

        Assert.True(positions.IsNews(Place(6)));
    }

    [Fact]
    public void Who_is_told_that_messages_may_be_missing_gets_nothing_twice_all_the_same()
    {
        var positions = Create();
        positions.IsAhead("tag", new Position(1, 10));

        Assert.True(positions.IsNews(Place(5) with { IsGap = true, Position = Position.None }));

        Assert.False(positions.IsNews(Place(10)));
        Assert.True(positions.IsNews(Place(11)));
    }

    [Fact]
    public void A_single_event_lines_up_however_large_and_what_finds_no_room_behind_it_is_told()
    {
        var positions = Create(maxLineBytes: 1);

        Assert.True(positions.TryLineUp(Event(1), out var overflow));
        Assert.Null(overflow);
        Assert.True(positions.TryLineUp(Event(2), out overflow));

        Assert.Equal((1, 1), (overflow, positions.LineCount));
    }

    [Fact]
    public void An_event_that_was_handled_moves_the_position_although_another_event_is_right_behind_it()
    {
        var positions = Create();
        var (first, second) = (Event(1), Event(2));
        positions.TryLineUp(first, out _);
        positions.TryLineUp(second, out _);
        var posted = new List<GroupMessage>();

        positions.Handled(first, posted.Add);

        Assert.Equal([first], posted);
    }

    [Fact]
    public void An_event_that_was_handled_gives_its_room_back()
    {
        var positions = Create(maxLineBytes: 2 * Event(1).Cost);
        var waiting = new Queue<GroupMessage>();

        for (var number = 1; number <= 10; number++)
        {
            waiting.Enqueue(Event(number));
            positions.TryLineUp(waiting.Last(), out var overflow);
            Assert.Null(overflow);
            if (waiting.Count == 2)
                positions.Handled(waiting.Dequeue(), _ => { });
        }
    }

    [Fact]
    public void What_lines_up_behind_an_event_shares_the_bound_of_its_socket_until_it_goes_out_or_the_connection_is_over()
    {
        var waiting = new WaitingBytes(2 * Frame(1).Cost);
        var (one, other) = (new ClientPositions("one", Owner, [], _seals, waiting), new ClientPositions("other", Owner, [], _seals, waiting));
        foreach (var positions in new[] { one, other })
        {
            positions.TryLineUp(Event(1), out _);
            positions.TryLineUp(Frame(2), out var overflow);
            Assert.Null(overflow);
        }

        Assert.Equal(waiting.Max, waiting.Value);
        other.TryLineUp(Frame(3), out var lost);
        Assert.Equal(2, lost);
        other.End();
        Assert.Equal(Frame(2).Cost, waiting.Value);
        one.End();
        Assert.Equal(0, waiting.Value);
    }

    [Fact]
    public void After_a_loss_nothing_goes_out_although_there_is_room_again()
    {
        var waiting = new WaitingBytes(Frame(1).Cost);
        var positions = new ClientPositions("", Owner, [], _seals, waiting);
        var first = Event(1);
        positions.TryLineUp(first, out _);
        positions.TryLineUp(Frame(2), out _);
        positions.TryLineUp(Frame(3), out var lost);
        Assert.NotNull(lost);

        positions.Handled(first, static _ => { });

        Assert.Equal((0, 0L), (positions.LineCount, waiting.Value));
        Assert.True(positions.TryLineUp(Frame(4), out lost)); // its position would say that the client has the one before
        Assert.NotNull(lost);
    }

    [Fact]
    public void Nobody_waits_for_the_line_of_a_connection_that_is_over()
    {
        var positions = Create();
        positions.TryLineUp(Event(1), out _);
        var waiting = positions.LineEndedAsync();
        Assert.False(waiting.IsCompleted);

        positions.End();
        var later = Create();
        later.TryLineUp(Event(1), out _);
        later.End();

        Assert.True(waiting.IsCompleted);
        Assert.True(later.LineEndedAsync().IsCompleted);
    }

    private ClientPositions Create(int maxLineBytes = 10_000, IEnumerable<ShownPosition>? shown = null) => new("", Owner, shown ?? [], _seals, new(maxLineBytes));

    private ShownPosition Shown(GroupName group) => new("", $"{_seals.TagOf(group)}.1:5", _seals.Seal(group, new Position(1, 1), "", Owner));

    private static GroupMessage Frame(int number) => new(new Envelope(new Message(GroupMessage.JsonType, "1"u8.ToArray()), EnvelopeKind.TextFrame), Place(number));

    private static GroupMessage Event(int number) => new(new Envelope(new Message("note", new byte[10])), Place(number));

    private static GroupPlace Place(int number) => new("news", "tag", new Position(1, number));

    private static string TextOf(Frame frame) => Encoding.UTF8.GetString(frame.Payload.Span);
}
