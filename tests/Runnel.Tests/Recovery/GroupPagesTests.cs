using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>The pages of a group's history that those who come back share.</summary>
public sealed class GroupPagesTests
{
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly ManualTimeProvider _clock = new();
    private readonly ReadBackplane _backplane;
    private readonly GroupPages _pages;

    public GroupPagesTests()
    {
        _backplane = new(new InMemoryBackplane(_clock));
        _pages = new(Articles, _backplane, _clock, message => Message(message.Position, "json"u8.ToArray()));
    }

    [Fact]
    public async Task The_pages_are_dropped_ten_seconds_after_the_last_reader()
    {
        var last = await PublishAsync(3);
        await _pages.ReadAsync(last with { Offset = 1 });

        for (var look = 0; look < 4; look++)
        {
            Assert.NotNull(_pages.Find(last));
            _clock.Advance(TimeSpan.FromSeconds(9));
        }
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(_pages.Find(last));
    }

    [Fact]
    public async Task A_page_that_was_read_since_somebody_looked_for_a_message_is_not_read_again()
    {
        var last = await PublishAsync(3);
        Assert.Null(_pages.Find(last));

        await _pages.ReadAsync(last with { Offset = 1 });
        var found = await _pages.ReadAsync(last);

        Assert.Equal(last, found?.Place?.Position);
        Assert.Equal(1, _backplane.Reads);
    }

    [Fact]
    public async Task A_message_that_came_since_its_page_was_read_is_read_from_the_layer()
    {
        var last = await PublishAsync(3);
        await _pages.ReadAsync(last with { Offset = 1 });
        last = await PublishAsync(1);

        var found = await _pages.ReadAsync(last with { Offset = 4 });

        Assert.Equal(last, found?.Place?.Position);
    }

    [Fact]
    public async Task A_check_that_failed_is_made_again()
    {
        var last = await PublishAsync(3);
        _backplane.OnRead = static _ => throw new BackplaneUnavailableException("away");
        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => _pages.CheckAsync(last with { Offset = 2 }));

        _backplane.OnRead = static history => history;

        Assert.Equal(last with { Offset = 2 }, await _pages.CheckAsync(last with { Offset = 2 }));
    }

    [Fact]
    public async Task A_check_of_a_history_that_does_not_reach_so_far_finds_nothing()
    {
        var last = await PublishAsync(3);
        _backplane.OnRead = static history => history with { IsComplete = false };

        Assert.Null(await _pages.CheckAsync(last with { Offset = 2 }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_the_layer_left_out_because_it_cannot_be_read_takes_up_its_place(int offset)
    {
        var last = await PublishAsync(3);
        _backplane.OnRead = history => history with { Messages = [.. history.Messages.Where(message => message.Position.Offset != offset)] };

        var found = await _pages.ReadAsync(last with { Offset = offset });

        Assert.True(found!.IsBegin);
    }

    [Fact]
    public async Task What_the_layer_left_out_behind_a_gap_is_not_another_gap()
    {
        var pages = new GroupPages(Articles, _backplane, _clock, static message => GroupMessage.OfGap(new GroupPlace("articles", "tag", message.Position, IsGap: true)));
        var last = await PublishAsync(2);
        _backplane.OnRead = static history => history with { Messages = [history.Messages[0]] };

        var found = await pages.ReadAsync(last);

        Assert.Equal((true, false), (found!.IsBegin, found.IsGap));
    }

    [Fact]
    public void More_than_8_MiB_are_not_kept_and_the_latest_page_is()
    {
        var body = new byte[3 * 1024 * 1024];
        Assert.Null(_pages.Find(new Position(1, 1))); // somebody reads

        foreach (var offset in new[] { 1, 101, 201 })
            _pages.Add(Message(new Position(1, offset), body));

        Assert.Null(_pages.Find(new Position(1, 1)));
        Assert.NotNull(_pages.Find(new Position(1, 201)));
    }

    [Fact]
    public void Pages_that_are_dropped_make_room_for_as_many_as_before()
    {
        var body = new byte[3 * 1024 * 1024];
        Assert.Null(_pages.Find(new Position(1, 1))); // somebody reads
        foreach (var offset in new[] { 1, 101, 201, 301 })
            _pages.Add(Message(new Position(1, offset), body));
        Assert.NotNull(_pages.Find(new Position(1, 201))); // the third dropped the two before it, and with the fourth there are 6 MiB

        _pages.Add(Message(new Position(1, 401), body));

        Assert.Null(_pages.Find(new Position(1, 201)));
        Assert.NotNull(_pages.Find(new Position(1, 401)));
    }

    [Fact]
    public void After_a_gap_there_is_room_for_as_much_as_at_the_beginning()
    {
        var body = new byte[3 * 1024 * 1024];
        Assert.Null(_pages.Find(new Position(1, 1))); // somebody reads
        foreach (var offset in new[] { 1, 101 })
            _pages.Add(Message(new Position(1, offset), body));

        _pages.Forget();
        Assert.Null(_pages.Find(new Position(1, 1))); // somebody else reads
        _pages.Add(Message(new Position(1, 201), new byte[1]));
        _pages.Add(Message(new Position(1, 301), body));

        Assert.NotNull(_pages.Find(new Position(1, 201)));
        Assert.NotNull(_pages.Find(new Position(1, 301)));
    }

    [Fact]
    public async Task What_was_being_read_when_messages_went_missing_is_not_kept()
    {
        var held = new TaskCompletionSource();
        var last = await PublishAsync(3);
        _backplane.Held = held.Task;
        var reading = _pages.ReadAsync(last with { Offset = 1 });

        _pages.Forget();
        Assert.Null(_pages.Find(last with { Offset = 1 })); // somebody else reads
        held.SetResult();

        Assert.NotNull(await Wait.For(reading, "the page"));
        Assert.Null(_pages.Find(last with { Offset = 1 }));
    }

    [Fact]
    public void A_gap_drops_what_a_group_had_before_it()
    {
        var group = new Group("articles", _pages);
        Assert.Null(_pages.Find(new Position(1, 1))); // somebody reads
        group.Deliver(Message(new Position(1, 1), default));
        Assert.NotNull(_pages.Find(new Position(1, 1)));

        group.Deliver(GroupMessage.OfGap(new GroupPlace("articles", "tag", new Position(2, 7), IsGap: true)));

        Assert.Null(_pages.Find(new Position(1, 1)));
        Assert.Equal((new Position(2, 7), 1), group.Present);
    }

    [Fact]
    public void A_message_that_is_heard_while_the_subscription_begins_says_where_the_group_is()
    {
        var group = new Group("articles", _pages);

        group.Deliver(Message(new Position(1, 5), default));
        group.Begin(new Position(1, 3));

        Assert.Equal(new Position(1, 5), group.Present.Position);
    }

    private async Task<Position> PublishAsync(int count)
    {
        var last = Position.None;
        for (var i = 0; i < count; i++)
            last = await _backplane.PublishAsync(Articles, new byte[1], new Retention(10, TimeSpan.FromHours(1)));
        return last;
    }

    private static GroupMessage Message(Position position, ReadOnlyMemory<byte> body) =>
        new(new Envelope(new Message(GroupMessage.PlainType, body), EnvelopeKind.TextFrame), new GroupPlace("articles", "tag", position));

    private sealed class ReadBackplane(IBackplane inner) : DelegatingBackplane(inner)
    {
        public Func<TopicHistory, TopicHistory> OnRead { get; set; } = static history => history;

        public Task Held { get; set; } = Task.CompletedTask;

        public int Reads { get; private set; }

        public override async ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
        {
            Reads++;
            await Held.WaitAsync(cancellationToken);
            return OnRead(await base.ReadHistoryAsync(topic, after, limit, cancellationToken));
        }
    }
}
