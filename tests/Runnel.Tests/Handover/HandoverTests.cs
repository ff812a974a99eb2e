using Microsoft.Extensions.DependencyInjection;
using Runnel.Groups;
using Runnel.Handover;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>A connection and its consumer in another node, while nothing fails but the client.</summary>
public sealed class HandoverTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _worker = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        _nodes.Endpoints["member"] = ConsumerDescriptor.For<Member>();
        _nodes.Endpoints["shared"] = new DemultiplexerBuilder().Stream<Member>("a").Stream<Member>("b").Describe();
        _nodes.Endpoints["ends"] = new DemultiplexerBuilder().Stream("a", stream => stream.OnDisconnect((_, _) => Script.Gate.Task)).Describe();
        (_gateway, _worker) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task Each_message_is_handled_once_and_in_order_with_the_events_of_groups()
    {
        var client = await _gateway.ConnectAsync("member");
        Assert.Equal((1, 0), (ConnectionsOf(_gateway), ConnectionsOf(_worker)));

        for (var number = 0; number < 100; number++)
        {
            await client.SayAsync($"m{number}");
            await _gateway.Groups.SendEventAsync("kept.news", "tick", $"e{number}");
        }

        await Wait.Until(() => client.Writer.Texts.Count == 201, "all is handled");
        Assert.Equal("snapshot", client.Writer.Texts[0]);
        Assert.Equal(Enumerable.Range(0, 100).Select(static number => $"m{number}"), client.Writer.Texts.Where(static text => text[0] == 'm'));
        Assert.Equal(Enumerable.Range(0, 100).Select(static number => $"e{number}"), client.Writer.Texts.Where(static text => text[0] == 'e'));
    }

    [Fact]
    public async Task Frames_of_a_group_come_behind_the_snapshot_although_that_waits_for_a_slow_client()
    {
        var client = _gateway.Open("member");
        client.Writer.Block();
        var connecting = client.Session.ConnectAsync();
        await Wait.Until(() => client.Writer.Texts.Count == 1, "the snapshot is being written");

        await _gateway.Groups.SendAsync("kept.news", "later");
        client.Writer.Unblock();
        await Wait.For(connecting, "the connect");

        await client.GotAsync("later");
        Assert.Equal(["snapshot", "later"], client.Writer.Texts);
    }

    [Fact]
    public async Task A_client_that_says_more_than_its_consumer_handles_is_not_read()
    {
        var client = await _gateway.ConnectAsync();
        var saying = Task.CompletedTask;

        for (var said = 0; said < MostOpen; said++)
        {
            Assert.True(saying.IsCompleted);
            saying = client.SayAsync($"hold {said}");
        }
        Assert.False(saying.IsCompleted);
        Script.Gate.SetResult();

        await Wait.For(saying, "there is room");
        await client.GotAsync($"hold {MostOpen - 1} {MostOpen}");
    }

    [Fact]
    public async Task A_large_message_that_its_consumer_has_not_handled_is_enough_for_its_client_not_to_be_read()
    {
        var client = await _gateway.ConnectAsync();

        var saying = client.SayAsync("hold " + new string('x', HandedSession.MostOpenBytes));
        Assert.Equal("began hold", (await Script.Journal.NextAsync())[..10]);
        Assert.False(saying.IsCompleted);
        Script.Gate.SetResult();

        await Wait.For(saying, "there is room");
    }

    [Fact]
    public async Task Events_that_the_worker_has_handled_wait_no_more_at_the_gateway()
    {
        var client = await _gateway.ConnectAsync("member");

        for (var number = 0; number < 10; number++)
            await _gateway.Groups.SendEventAsync("kept.news", "tick", $"e{number}");

        await Wait.Until(() => client.Writer.Texts.Count == 11, "all are handled");
        await Wait.Until(() => client.Session.Connection.Waiting.Value == 0, "the gateway keeps none of them");
    }

    [Fact]
    public async Task Events_that_come_while_no_worker_is_there_are_kept_up_to_the_bound_and_then_the_connection_is_closed()
    {
        var client = await _gateway.ConnectAsync("member");
        _nodes.Kill(_worker);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits");
        var fifth = new string('x', _gateway.Context.Options.MaxWaitingEventBytes / 5);

        for (var kept = 1; kept <= 4; kept++)
            await _gateway.Groups.SendEventAsync("kept.news", "tick", fifth);
        await _gateway.Groups.SendEventAsync("kept.news", "tick", "small");
        Assert.Empty(_nodes.Log.Of(1005));
        await _gateway.Groups.SendEventAsync("kept.news", "tick", fifth);

        await client.ClosedAsync();
        Assert.Equal([CloseCode.TryAgainLater], client.Closes);
        Assert.Single(_nodes.Log.Of(1005), static entry => entry.Text.Contains(": 5 messages wait", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_item_of_a_later_version_costs_one_connection_with_1012_and_no_other()
    {
        var (one, two, three) = (await _gateway.ConnectAsync(), await _gateway.ConnectAsync(), await _gateway.ConnectAsync());
        await one.GotAsync("snapshot");
        await two.GotAsync("snapshot");

        _gateway.Links.Send(_worker.Id, new ToWorker((HandoverFormat.Told)99, one.Session.Connection.Number, owner: 1));
        _worker.Links.Send(_gateway.Id, new ToGateway((HandoverFormat.Asked)99, two.Session.Connection.Number, owner: 1));

        await one.ClosedAsync();
        await two.ClosedAsync();
        Assert.Equal([CloseCode.ServiceRestart, CloseCode.ServiceRestart], one.Closes.Concat(two.Closes));
        Assert.Equal(2, _nodes.Log.Of(1065).Count());
        await three.SayAsync("one");
        await three.GotAsync("one 1");
        Assert.Empty(three.Closes);
    }

    [Fact]
    public async Task A_consumer_that_sends_more_than_its_client_takes_waits()
    {
        var sent = 0;
        _nodes.Endpoints["test"] = ConsumerDescriptor.For(new ConsumerBuilder().OnReceive(async (_, connection) =>
        {
            for (; sent < 1000; sent++)
                await connection.SendAsync(new string('x', 64 * 1024));
        }));
        var client = await _gateway.ConnectAsync();
        client.Writer.Block();

        await client.SayAsync("go");
        await Wait.Until(() => client.Writer.Writes > 0 && Volatile.Read(ref sent) is > 1 and < 100, "it sends until the client's queue is full");
        client.Writer.Unblock();

        await Wait.Until(() => client.Writer.Frames.Count == 1000, "all has arrived"); // their texts would be 128 MB for each look
    }

    [Fact]
    public async Task Streams_of_a_shared_socket_keep_each_their_own_and_go_on_in_another_worker()
    {
        var client = await _gateway.ConnectAsync("shared");
        await client.SayAsync("""{"stream":"a","payload":"keep 1"}""");
        await client.SayAsync("""{"stream":"b","payload":"keep 2"}""");
        await client.SayAsync("""{"stream":"b","payload":"close"}""");
        await client.GotAsync("""{"stream":"b","close":{"code":1000,"reason":""}}""");
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_worker);
        await client.SayAsync("""{"stream":"a","payload":"kept"}""");
        await client.SayAsync("""{"stream":"b","payload":"kept"}""");
        await _gateway.Groups.SendEventAsync("kept.news", "tick", "still a member");

        await client.GotAsync(
            """{"stream":"a","payload":"1"}""",
            """{"stream":"b","error":"This stream is closed. Connect again to open it."}""",
            """{"stream":"a","payload":"still a member"}""");
        Assert.Empty(client.Closes);
        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");
    }

    [Fact]
    public async Task A_stream_that_begins_when_its_socket_is_gone_joins_no_group()
    {
        var client = await _gateway.ConnectAsync("ends");
        var number = client.Session.Connection.Number;
        var late = number + 100; // one of the numbers that the gateway keeps for streams
        var ending = client.EndAsync(CloseCode.Normal);
        await Wait.Until(() => ((HandedSession)client.Session).HasEnded, "the gateway knows that the client is gone"); // whoever waits for its token is told first, on another thread

        _worker.Links.Send(_gateway.Id, new ToGateway.Named(HandoverFormat.Asked.StreamBegins, number, owner: 1, late, request: 0, "late"));
        _worker.Links.Send(_gateway.Id, new ToGateway.Named(HandoverFormat.Asked.Join, number, owner: 1, late, request: 1, "kept.news"));
        await _worker.FlushAsync(_gateway);

        Assert.Equal(0, _gateway.Host.Services.GetRequiredService<GroupRegistry>().CountOf("kept.news"));
        Assert.Empty(client.Closes); // what the worker sent was understood
        Script.Gate.SetResult();
        await Wait.For(ending, "the end");
    }

    [Fact]
    public async Task A_worker_can_neither_close_nor_cut_a_connection_that_is_not_its_own_any_more()
    {
        var client = await _gateway.ConnectAsync();
        var number = client.Session.Connection.Number;

        _worker.Links.Send(_gateway.Id, new ToGateway(HandoverFormat.Asked.Abort, number, owner: 2));
        _worker.Links.Send(_gateway.Id, new ToGateway.Close(number, owner: 2, CloseCode.Normal, "of another owner"));
        await _worker.FlushAsync(_gateway);

        Assert.Empty(client.Closes);
        Assert.False(client.Gone.IsCancellationRequested);
        await client.SayAsync("one");
        await client.GotAsync("one 1");
    }

    [Fact]
    public async Task A_client_that_comes_back_recovers_through_a_worker_that_is_not_the_same()
    {
        var client = await _gateway.ConnectAsync("member", Greeted.Hello());
        await _gateway.Groups.SendAsync("kept.news", "one");
        await Wait.Until(() => client.Writer.Texts.Any(static text => text.Contains("\"one\"", StringComparison.Ordinal)), "the message");
        var shown = Greeted.Shown(client.Writer.Texts);
        await Wait.For(client.EndAsync(), "the end");
        await _gateway.Groups.SendAsync("kept.news", "two");
        await _nodes.StartWorkerAsync();
        _nodes.Kill(_worker);

        var back = await _gateway.ConnectAsync("member", Greeted.Hello(shown));

        await Wait.Until(() => back.Writer.Texts.Any(static text => text.Contains("\"two\"", StringComparison.Ordinal)), "what it missed");
        Assert.Contains(back.Writer.Texts, static text => text.Contains("recovered", StringComparison.Ordinal));
        Assert.DoesNotContain(back.Writer.Texts, static text => text.Contains("\"one\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_comes_gets_its_share()
    {
        for (var number = 0; number < 30; number++)
            await _gateway.ConnectAsync();
        Assert.Equal(30, _gateway.Owners.LoadOf(_worker.Id));

        var second = await _nodes.StartWorkerAsync();

        var (first, share) = (0, 0);
        await Wait.Until(
            () =>
            {
                _nodes.Pass(1);
                (first, share) = (_gateway.Owners.LoadOf(_worker.Id), _gateway.Owners.LoadOf(second.Id));
                return share >= 12 && first + share == 30; // one that is on its way is with neither of them
            },
            "it has its share, and none is lost");
        Assert.InRange(first, 12, 18);
    }

    private const int MostOpen = HandedSession.MostOpenMessages;

    private static int ConnectionsOf(HandedNode node) => node.Host.Services.GetRequiredService<RunnelNode>().ConnectionCount;

    /// <summary>A member of a group, which can be adopted.</summary>
    public sealed class Member : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("kept.news", cancellationToken);
            await SendAsync("snapshot", cancellationToken);
        }

        public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            if (text.StartsWith("keep ", StringComparison.Ordinal))
                Connection.Keep(text[5..]);
            else if (text == "close")
                await CloseAsync(cancellationToken: cancellationToken);
            else
                await SendAsync(text == "kept" ? Connection.GetKept<string>()! : text, cancellationToken);
        }

        [Handles("tick")]
        public ValueTask OnTickAsync(string body, CancellationToken cancellationToken) => SendAsync(body, cancellationToken);
    }
}
