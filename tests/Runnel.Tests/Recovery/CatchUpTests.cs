using System.Text.Json;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>The way of a client that comes back to the present of its group.</summary>
public sealed class CatchUpTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly TornBackplane _backplane;

    public CatchUpTests() => _backplane = new(new InMemoryBackplane(_clock));

    [Fact]
    public async Task All_who_come_back_at_once_share_one_read_of_each_page()
    {
        const int Members = 200, Missed = 250;
        await using var here = GreetedConnection.CreateNode(_backplane, _clock);
        await using var there = GreetedConnection.CreateNode(_backplane, _clock);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(here);
        await here.SendAsync(1, Missed);

        var members = await Task.WhenAll(Enumerable.Range(0, Members).Select(_ => GreetedConnection.ConnectAsync<GroupsConsumer>(there, shown)));
        await here.SendAsync(Missed + 1, Missed + 10);
        foreach (var member in members)
            await member.GotAsync(Missed + 10);

        Assert.All(members, member => Assert.Equal(Enumerable.Range(1, Missed + 10).Select(number => $"{number}"), member.Payloads()));
        Assert.InRange(_backplane.Reads, 1, 3);
    }

    [Fact]
    public async Task A_page_goes_out_with_one_write()
    {
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await first.CutAsync();
        await node.SendAsync(1, 500);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, first.Shown());
        await second.GotAsync(500);

        Assert.InRange(second.Writer.Writes, 2, 8); // the notice, and six pages, since the first message of all has the first place
    }

    [Fact]
    public async Task A_client_that_reads_slowly_holds_only_a_quarter_of_its_queue_and_is_not_cut_while_it_catches_up()
    {
        var options = new OutboundOptions { MaxBytes = 8_000 };
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 500);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, shown, options: options, prepare: writer => writer.Block());
        for (var writes = 0; second.Payloads().Count < 500 && writes < 500; writes++)
            await second.Writer.UnblockOneAsync();

        Assert.Equal(Enumerable.Range(1, 500).Select(number => $"{number}"), second.Payloads());
        Assert.Equal(0, second.Writer.Overflows);
        second.Writer.Unblock();
    }

    [Fact]
    public async Task What_a_client_got_on_another_node_is_not_sent_again_when_this_node_hears_it_late()
    {
        var late = new LateBackplane(_backplane);
        await using var here = GreetedConnection.CreateNode(_backplane, _clock);
        await using var there = GreetedConnection.CreateNode(late, _clock);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(here);
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(there); // so that the node has subscribed
        late.Hold();
        await here.SendAsync(1, 5);
        await first.GotAsync(5);
        await first.CutAsync();

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(there, first.Shown());
        await here.SendAsync(6, 7);
        late.Release();
        await second.GotAsync(2);

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Equal(["6", "7"], second.Payloads());
        await holder.GotAsync(7); // another batch of the thread pool may write to it, some time later
        Assert.Equal(7, holder.Payloads().Count);
    }

    [Fact]
    public async Task What_a_client_missed_arrives_although_the_node_has_not_even_heard_what_the_client_has()
    {
        var late = new LateBackplane(_backplane);
        await using var here = GreetedConnection.CreateNode(_backplane, _clock);
        await using var there = GreetedConnection.CreateNode(late, _clock);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(here);
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(there); // so that the node has subscribed
        late.Hold();
        await here.SendAsync(1, 5);
        await first.GotAsync(5);
        await first.CutAsync();
        await here.SendAsync(6, 7);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(there, first.Shown());
        late.Release();
        await here.SendAsync(8, 8);
        await second.GotAsync(3);

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Equal(["6", "7", "8"], second.Payloads());
    }

    [Fact]
    public async Task A_gap_that_shows_while_a_client_catches_up_is_told_to_it()
    {
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        var shown = await GreetedConnection.VisitAsync<GroupsConsumer>(node);
        await node.SendAsync(1, 500);
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(
            node, shown, options: new OutboundOptions { MaxBytes = 8_000 }, prepare: writer => writer.Block());

        _backplane.Tear("articles");
        second.Writer.Unblock();
        await Wait.Until(() => !second.Closes.IsEmpty, "the client is sent away");
        await second.ToldOfGapAsync();

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Single(second.Of("gap"));
        Assert.Equal([CloseCode.TryAgainLater], second.Closes);
    }

    [Fact]
    public async Task Frames_wait_for_the_event_before_them_and_a_handled_event_moves_the_position()
    {
        var (gate, entered) = (new TaskCompletionSource(), new TaskCompletionSource());
        GatedConsumer.Gate = () =>
        {
            entered.SetResult();
            return gate.Task;
        };
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        using var connection = await GreetedConnection.ConnectAsync<GatedConsumer>(node);
        await node.SendAsync(1, 1);
        await node.Groups.SendEventAsync("articles", "note", 2);
        await Wait.For(entered.Task, "the event to be handled");
        await node.SendAsync(3, 3);
        await connection.GotAsync(1);
        var before = connection.Payloads();

        gate.SetResult();
        await connection.GotAsync(3);

        Assert.Equal(["1"], before);
        Assert.Equal(["1", "note 2", "3"], connection.Payloads());
    }

    [Fact]
    public async Task An_event_whose_handler_fails_is_behind_the_client_so_that_it_does_not_come_back_to_it_for_ever()
    {
        GatedConsumer.Gate = () => throw new InvalidOperationException("The handler fails.");
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        using var first = await GreetedConnection.ConnectAsync<GatedConsumer>(node);
        await node.Groups.SendEventAsync("articles", "note", 1);
        await Wait.Until(() => !first.Closes.IsEmpty, "the failure closes the connection");
        await first.CutAsync();

        GatedConsumer.Gate = () => Task.CompletedTask;
        await node.Groups.SendEventAsync("articles", "note", 2);
        using var second = await GreetedConnection.ConnectAsync<GatedConsumer>(node, first.Shown());
        await second.GotAsync(1);

        Assert.Equal(["note 2"], second.Payloads());
    }

    [Fact]
    public async Task A_member_that_leaves_at_the_last_moment_has_missed_nothing()
    {
        await using var comer = new Comer(_backplane, _clock);
        comer.Writer.Written = () => comer.Member.Leave(comer.Group); // what was missed is being written

        comer.Group.Pages!.Find(new Position(1, 1)); // somebody reads
        comer.Group.Deliver(Article(1));
        await Wait.For(comer.CatchUpAsync(from: 0), "the end");

        Assert.Equal(1, comer.Writer.Writes);
        Assert.Empty(comer.Log.Of(1025));
    }

    [Fact]
    public async Task Catching_up_ends_with_the_layer()
    {
        await using var comer = new Comer(_backplane, _clock);
        _backplane.Held = Task.FromException(new ObjectDisposedException("the layer"));

        comer.Group.Deliver(Article(5));
        await Wait.For(comer.CatchUpAsync(from: 3), "the end");

        Assert.Empty(comer.Log.Of(1024));
    }

    [Fact]
    public async Task A_history_that_cannot_be_read_is_read_again_every_five_seconds_at_the_latest()
    {
        await using var comer = new Comer(_backplane, _clock);
        _backplane.Held = Task.FromException(new BackplaneUnavailableException("away"));
        comer.Group.Deliver(Article(5));

        var catchingUp = comer.CatchUpAsync(from: 3);
        await _clock.MoveUntil(TimeSpan.FromSeconds(1), () => comer.Log.Of(1024).Count() == 10, "ten failures");
        comer.Member.LeaveAll();
        await _clock.MoveUntil(TimeSpan.FromSeconds(1), () => catchingUp.IsCompleted, "the end");

        Assert.EndsWith("read again in 00:00:00.1000000.", comer.Log.Of(1024).First().Text, StringComparison.Ordinal);
        Assert.EndsWith("read again in 00:00:05.", comer.Log.Of(1024).Last().Text, StringComparison.Ordinal);
    }

    private static GroupMessage Article(int offset) =>
        new(new Envelope(new Message(GroupMessage.JsonType, "1"u8.ToArray()), EnvelopeKind.TextFrame), new GroupPlace("articles", "tag", new Position(1, offset)));

    /// <summary>One that catches up in a group of its own.</summary>
    private sealed class Comer : IAsyncDisposable
    {
        private readonly ClientPositions _client = new("", "client:1f6b0c9e", [], seals: null!, new(10_000));
        private readonly FakeNode _node;

        public Comer(IBackplane backplane, TimeProvider clock)
        {
            _node = GreetedConnection.CreateNode(backplane, clock, Log);
            Member = new GroupMember(1, new OutboundQueue(new OutboundOptions(), Writer), _client, new NoEvents(), new(10_000));
            Group = new Group("articles", new GroupPages(Topic.OfGroup("articles"), backplane, clock, static _ => throw new InvalidOperationException("Nothing is read."))) { Tag = "tag" };
            Member.Join(Group, isComer: true, static () => throw new InvalidOperationException("Nothing is subscribed."));
        }

        public RecordedLog Log { get; } = new();

        public FakeWriter Writer { get; } = new();

        public GroupMember Member { get; }

        public Group Group { get; }

        public Task CatchUpAsync(int from) => new CatchUp(_node.Context, Group, Member, _client, new Position(1, from), gaps: 0).RunAsync();

        public async ValueTask DisposeAsync()
        {
            await _node.DisposeAsync();
            Log.Dispose();
        }
    }

    private sealed class NoEvents : IEventSink
    {
        public void Post(GroupMessage message) => throw new InvalidOperationException("There is no event.");

        public void OnOverflow(int held) => throw new InvalidOperationException("Nothing is held.");
    }

    private sealed class GatedConsumer : JsonWebSocketConsumer
    {
        private static readonly AsyncLocal<Func<Task>?> Current = new();
        private readonly Func<Task> _gate = Current.Value!;

        public static Func<Task> Gate
        {
            set => Current.Value = value;
        }

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("articles", cancellationToken);
        }

        public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;

        [Handles("note")]
        public async Task OnNoteAsync(int note, CancellationToken cancellationToken)
        {
            await _gate();
            await SendJsonAsync($"note {note}", cancellationToken);
        }
    }
}
