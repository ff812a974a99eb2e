using System.Text.Json;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
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
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(here);
        await first.CutAsync();
        await here.SendAsync(1, Missed);

        var members = await Task.WhenAll(Enumerable.Range(0, Members).Select(_ => GreetedConnection.ConnectAsync<GroupsConsumer>(there, first.Shown())));
        await here.SendAsync(Missed + 1, Missed + 10);
        foreach (var member in members)
            await member.GotAsync(Missed + 10);

        Assert.All(members, member => Assert.Equal(Enumerable.Range(1, Missed + 10).Select(number => $"{number}"), member.Payloads()));
        Assert.InRange(_backplane.Reads, 1, 3);
    }

    [Fact]
    public async Task A_page_that_was_read_since_somebody_looked_for_a_message_is_not_read_again()
    {
        var topic = Topic.OfGroup("articles");
        var last = Position.None;
        for (var number = 1; number <= 3; number++)
            last = await _backplane.PublishAsync(topic, EnvelopeFormat.Encode(new Envelope(new Message("news", "{}"u8.ToArray()))), new Retention(10, TimeSpan.FromMinutes(1)));
        var pages = new GroupPages(topic, _backplane, _clock, message => new GroupMessage(EnvelopeFormat.Decode(message.Payload), new GroupPlace("articles", "tag", message.Position)));
        Assert.Null(pages.Find(3));

        await pages.ReadAsync(last.Epoch, 1);
        var found = await pages.ReadAsync(last.Epoch, 3);

        Assert.Equal(last, found!.Place!.Position);
        Assert.Equal(1, _backplane.Reads);
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
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await first.CutAsync();
        await node.SendAsync(1, 500);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, first.Shown(), options: options, prepare: writer => writer.Block());
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
        Assert.Equal(7, holder.Payloads().Count);
    }

    [Fact]
    public async Task A_gap_that_shows_while_a_client_catches_up_is_told_to_it()
    {
        await using var node = GreetedConnection.CreateNode(_backplane, _clock);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await first.CutAsync();
        await node.SendAsync(1, 500);
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(
            node, first.Shown(), options: new OutboundOptions { MaxBytes = 8_000 }, prepare: writer => writer.Block());

        _backplane.Tear("articles");
        second.Writer.Unblock();
        await Wait.Until(() => !second.Closes.IsEmpty, "the client is sent away");

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Single(second.Of("gap"));
        Assert.Equal([CloseCode.TryAgainLater], second.Closes);
    }

    [Fact]
    public async Task A_history_that_is_trimmed_before_a_slow_client_gets_there_is_a_gap_that_the_client_is_told()
    {
        await using var node = GreetedConnection.CreateNode(_backplane, _clock, messages: 300);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await first.CutAsync();
        await node.SendAsync(1, 300);
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(
            node, first.Shown(), options: new OutboundOptions { MaxBytes = 8_000 }, prepare: writer => writer.Block());

        _clock.Advance(TimeSpan.FromSeconds(30)); // nobody reads, so the pages are dropped
        await node.SendAsync(301, 700);
        second.Writer.Unblock();
        await Wait.Until(() => !second.Closes.IsEmpty, "the client is sent away");

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Single(second.Of("gap"));
    }

    [Fact]
    public async Task The_pages_are_dropped_ten_seconds_after_the_last_reader()
    {
        var topic = Topic.OfGroup("articles");
        var pages = new GroupPages(topic, _backplane, _clock, message => new GroupMessage(EnvelopeFormat.Decode(message.Payload), new GroupPlace("articles", "tag", message.Position)));
        var last = Position.None;
        for (var i = 0; i < 3; i++)
            last = await _backplane.PublishAsync(topic, EnvelopeFormat.Encode(new Envelope(new Message("json", "1"u8.ToArray()), EnvelopeKind.TextFrame)), new Retention(10, TimeSpan.FromHours(1)));

        await pages.ReadAsync(last.Epoch, 1);
        var whileUsed = pages.Find(3);
        _clock.Advance(TimeSpan.FromSeconds(9));
        var whileNotIdle = pages.Find(3);
        _clock.Advance(TimeSpan.FromSeconds(9));
        _clock.Advance(TimeSpan.FromSeconds(2));

        Assert.NotNull(whileUsed);
        Assert.NotNull(whileNotIdle);
        Assert.Null(pages.Find(3));
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
