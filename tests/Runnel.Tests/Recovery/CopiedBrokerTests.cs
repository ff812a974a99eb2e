using System.Text;
using System.Text.Json;
using Runnel.Frames;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>A copy has taken the broker's place, and clients come back to a node that reads from it and has not heard of it yet.</summary>
public sealed class CopiedBrokerTests : IAsyncDisposable
{
    private const string Snapshot = "snapshot of articles";

    private readonly CopiedBroker _broker = new("articles");
    private readonly CopiedBroker.View _viewHere, _viewThere;
    private readonly FakeNode _here, _there;

    public CopiedBrokerTests()
    {
        (_viewHere, _viewThere) = (_broker.CreateView(), _broker.CreateView());
        (_here, _there) = (GreetedConnection.CreateNode(_viewHere), GreetedConnection.CreateNode(_viewThere));
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_client_that_lacks_what_the_copy_lacks_is_told_at_its_return_and_gets_nothing_new_before_that(int sentSince)
    {
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        await _here.SendAsync(1, 3);
        await first.GotAsync(3);
        await first.CutAsync();
        await _here.SendAsync(4, 6);
        await holder.GotAsync(6);
        _broker.TakePlace(lacking: 3);
        await _here.SendAsync(7, 6 + sentSince);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, first.Shown());
        await second.GotAsync(1);
        _viewThere.Follow();
        await Wait.Until(() => !second.Closes.IsEmpty, "the client is sent away");
        await second.ToldOfGapAsync();

        Assert.Equal(["gap"], second.Outcomes());
        Assert.Equal([Snapshot], BeforeGap(second));
        Assert.Single(second.Of("gap"));
        Assert.Distinct(second.Payloads());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    public async Task A_client_that_comes_back_after_a_copy_with_everything_has_missed_nothing_and_gets_each_message_once(int had)
    {
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        await _here.SendAsync(1, had);
        await first.GotAsync(had);
        await first.CutAsync();
        await _here.SendAsync(had + 1, 6);
        await holder.GotAsync(6);
        _broker.TakePlace(lacking: 0);
        await _here.SendAsync(7, 10);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, first.Shown());
        _viewThere.Follow();
        await _here.SendAsync(11, 12);
        await second.GotAsync(12 - had);
        await second.CutAsync();
        await _here.SendAsync(13, 14);
        using var third = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, second.Shown());
        await third.GotAsync(2);
        await holder.GotAsync(14);

        Assert.Equal(["recovered", "recovered"], [.. second.Outcomes(), .. third.Outcomes()]);
        Assert.Equal(Numbers(had + 1, 12), second.Payloads());
        Assert.Equal(["13", "14"], third.Payloads());
        Assert.Equal(Numbers(1, 14), holder.Payloads());
        Assert.Empty(holder.Of("gap"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_client_that_was_told_on_another_node_is_not_told_again_and_gets_each_message_once(int sentSince)
    {
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        await _here.SendAsync(1, 6);
        await holder.GotAsync(6);
        _broker.TakePlace(lacking: 3);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(_here);
        _viewHere.Follow();
        await _here.SendAsync(7, 6 + sentSince);
        await first.GotAsync(sentSince);
        await first.CutAsync();
        await _here.SendAsync(7 + sentSince, 8 + sentSince);

        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, first.Shown());
        await Wait.Until(() => IsAnybodyAhead(first.Shown().Position.Split('.')[0]), "the client is ahead of its node");
        _viewThere.Follow();
        await _here.SendAsync(9 + sentSince, 10 + sentSince);
        await second.GotAsync(4);
        await holder.ToldOfGapAsync();

        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Equal(Numbers(7 + sentSince, 10 + sentSince), second.Payloads());
        Assert.Empty(second.Of("gap"));
        Assert.Single(holder.Of("gap"));
    }

    [Fact]
    public async Task What_was_read_for_a_client_of_the_copy_is_not_taken_for_what_another_one_missed_before()
    {
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        using var early = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        await _here.SendAsync(1, 5);
        await early.GotAsync(5);
        await early.CutAsync();
        await _here.SendAsync(6, 6);
        await holder.GotAsync(6);
        _broker.TakePlace(lacking: 3);
        using var late = await GreetedConnection.ConnectAsync<GroupsConsumer>(_here);
        _viewHere.Follow();
        await late.CutAsync();
        await _here.SendAsync(7, 14);

        using var lateAgain = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, late.Shown());
        await lateAgain.GotAsync(8);
        using var earlyAgain = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there, early.Shown());

        Assert.Equal(["recovered"], lateAgain.Outcomes());
        Assert.Equal(["gap"], earlyAgain.Outcomes());
        Assert.Equal([Snapshot], earlyAgain.Payloads());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task A_client_that_catches_up_while_a_copy_takes_over_gets_everything_or_is_told_in_its_place(int lacking)
    {
        using var holder = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        using var first = await GreetedConnection.ConnectAsync<GroupsConsumer>(_there);
        await first.CutAsync();
        await _here.SendAsync(1, 500);
        await holder.GotAsync(500);
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(
            _there, first.Shown(), options: new OutboundOptions { MaxBytes = 8_000 }, prepare: writer => writer.Block());

        _broker.TakePlace(lacking);
        await _here.SendAsync(501, 510);
        second.Writer.Unblock();
        await Wait.Until(() => second.Payloads().Count >= 510 || second.Of("gap").Any(), "the client has everything, or is told");
        _viewThere.Follow();

        var got = BeforeGap(second);
        Assert.Equal(["recovered"], second.Outcomes());
        Assert.Equal(Numbers(1, got.Count), got);
        Assert.InRange(got.Count, 1, lacking > 0 ? 500 : 510);
        Assert.Equal(lacking > 0, second.Of("gap").Any());
    }

    [Theory]
    [InlineData(0, "recovered", "3")]
    [InlineData(1, "gap", "snapshot")]
    public async Task The_latest_state_of_a_job_comes_from_the_copy_or_the_client_is_told(int lacking, string outcome, string payload)
    {
        var broker = new CopiedBroker(JobConsumer.Job) { Kept = 1 };
        var view = broker.CreateView();
        await using var node = GreetedConnection.CreateNode(view);
        using var holder = await GreetedConnection.ConnectAsync<JobConsumer>(node);
        await StateAsync(1);
        using var first = await GreetedConnection.ConnectAsync<JobConsumer>(node);
        await StateAsync(2);
        await first.GotAsync(1);
        await first.CutAsync();
        await StateAsync(3);

        broker.TakePlace(lacking);
        using var second = await GreetedConnection.ConnectAsync<JobConsumer>(node, first.Shown());
        await second.GotAsync(1);

        Assert.Equal([outcome], second.Outcomes());
        Assert.Equal([payload], second.Payloads());

        async Task StateAsync(int state) => await view.PublishAsync(
            Topic.OfGroup(JobConsumer.Job), EnvelopeFormat.Encode(new Envelope(new Message("json", Encoding.UTF8.GetBytes($"{state}")), EnvelopeKind.TextFrame)), new Retention(1, TimeSpan.FromDays(1)));
    }

    // Whether a member on that node does not want what it has already: its client is ahead of the node.
    private bool IsAnybodyAhead(string tag)
    {
        var early = new GroupPlace("articles", tag, new Position(1, 1));
        return Enumerable.Range(0, 100).Any(number => _there.Members.Find(number)?.Client is { } client && !client.IsNews(early));
    }

    private static List<string> BeforeGap(FakeConnection connection) =>
    [
        .. connection.Writer.Texts.Where(text => text[0] == '{').Select(text => JsonElement.Parse(text)).TakeWhile(message => !message.TryGetProperty("gap", out _))
            .Where(message => message.TryGetProperty("payload", out _)).Select(message => message.GetProperty("payload").ToString()),
    ];

    private static IEnumerable<string> Numbers(int first, int last) => Enumerable.Range(first, Math.Max(0, last - first + 1)).Select(number => $"{number}");

    private sealed class JobConsumer : JsonWebSocketConsumer
    {
        public static readonly string Job = $"job.{MessageId.New(TimeProvider.System)}";

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            if ((await Groups.AddAsync(Job, cancellationToken)).Outcome == JoinOutcome.Gap)
                await SendJsonAsync("snapshot", cancellationToken);
        }

        public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
