using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>What becomes of a connection when the worker that has it leaves, dies, or was thought dead.</summary>
public sealed class AdoptionTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _first = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        _nodes.Endpoints["stays"] = Script.Describe(canBeAdopted: false);
        _nodes.Endpoints["shared"] = new DemultiplexerBuilder().Stream("a", Script.Build).Stream("b", Script.Build).Describe();
        (_gateway, _first) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task A_worker_that_stops_hands_its_connections_over_and_each_message_is_answered_once_and_in_order()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("one");
        await client.SayAsync("hold two");
        await client.SayAsync("three");
        Assert.Equal("began hold two", await Script.Journal.NextAsync());
        var second = await _nodes.StartWorkerAsync();

        var stopping = _first.StopAsync();
        await client.SayAsync("four");
        Script.Gate.SetResult();
        await stopping;

        await client.GotAsync("four 4");
        Assert.Equal(["snapshot", "one 1", "hold two 2", "three 3", "four 4"], client.Writer.Texts);
        Assert.StartsWith("adopted with", await Script.Journal.NextAsync(), StringComparison.Ordinal);
        Assert.Equal((0, 1), (_gateway.Owners.LoadOf(_first.Id), _gateway.Owners.LoadOf(second.Id)));
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task What_a_worker_had_not_handled_when_it_died_is_handled_again_and_marked_and_no_count_goes_back()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("one");
        await client.GotAsync("one 1");
        await client.SayAsync("hold two");
        await client.SayAsync("three");
        Assert.Equal("began hold two", await Script.Journal.NextAsync());
        await _first.FlushAsync(_gateway); // the client may have its answer before the gateway knows that the message is handled
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_first);
        Assert.Equal("adopted with 1", await Script.Journal.NextAsync());
        Assert.Equal("began hold two", await Script.Journal.NextAsync());
        Script.Gate.SetResult();
        await client.GotAsync("three 3 again");
        await client.SayAsync("four");

        await client.GotAsync("four 4");
        Assert.Equal(["snapshot", "one 1", "hold two 2 again", "three 3 again", "four 4"], client.Writer.Texts);
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task Without_a_worker_a_connection_waits_and_goes_on_when_one_comes()
    {
        var client = await _gateway.ConnectAsync();
        _nodes.Kill(_first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits");

        await client.SayAsync("meanwhile");
        _nodes.Pass(29);
        await _nodes.StartWorkerAsync();

        await client.GotAsync("meanwhile 1");
        _nodes.Pass(60);
        Assert.Empty(client.Closes);
        Assert.Equal(0, _gateway.Owners.WaitingCount);
    }

    [Fact]
    public async Task A_connection_that_waits_for_a_worker_too_long_is_closed_and_its_end_holds_up_nobody()
    {
        var client = await _gateway.ConnectAsync();
        _nodes.Kill(_first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits");

        _nodes.Pass(31);

        await client.ClosedAsync();
        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
        await Wait.For(client.EndAsync(CloseCode.ServiceRestart), "the end");
        Assert.Equal(0, _gateway.Owners.WaitingCount);
    }

    [Fact]
    public async Task A_client_that_no_worker_takes_in_time_is_refused()
    {
        await _first.StopAsync();
        await Wait.Until(() => _gateway.Workers.Of("websocket.connect.test").Count == 0, "no worker is there");
        var client = _gateway.Open();

        var connecting = client.Session.ConnectAsync();
        _nodes.Pass(9);
        Assert.False(connecting.IsCompleted);
        _nodes.Pass(2);

        await Wait.For(connecting, "the connect to end");
        Assert.False(client.IsAccepted);
        Assert.Equal([CloseCode.TryAgainLater], client.Closes);
        await Wait.For(client.EndAsync(), "the end");
    }

    [Fact]
    public async Task A_consumer_that_cannot_be_adopted_loses_its_connection_with_1012_and_a_worker_that_stops_tells_it()
    {
        var (killed, told) = (await _gateway.ConnectAsync("stays"), await _gateway.ConnectAsync("stays"));

        var stopping = _first.StopAsync();
        await told.ClosedAsync();
        await killed.ClosedAsync();
        await Wait.For(Task.WhenAll(told.EndAsync(CloseCode.ServiceRestart), killed.EndAsync(CloseCode.ServiceRestart)), "the ends");
        await stopping;

        Assert.Equal([CloseCode.ServiceRestart], told.Closes);
        Assert.Equal(["end 1012 with 0", "end 1012 with 0"], [await Script.Journal.NextAsync(), await Script.Journal.NextAsync()]);
        await _nodes.StartWorkerAsync();
        var next = await _gateway.ConnectAsync("stays");
        Assert.Equal(["snapshot"], next.Writer.Texts);
    }

    [Fact]
    public async Task A_killed_worker_costs_a_consumer_that_cannot_be_adopted_its_connection()
    {
        var client = await _gateway.ConnectAsync("stays");

        _nodes.Kill(_first);

        await client.ClosedAsync();
        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
        await Wait.For(client.EndAsync(CloseCode.ServiceRestart), "the end, although nobody can be told");
        Assert.Equal(0, Script.Journal.Unread);
    }

    [Fact]
    public async Task A_connection_that_kills_three_workers_is_closed_with_1011_and_handed_to_nobody_else()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("hold");
        await Script.Journal.NextAsync();

        var worker = _first;
        for (var death = 1; death < 3; death++)
        {
            var next = await _nodes.StartWorkerAsync();
            _nodes.Kill(worker);
            Assert.Equal("adopted with 0", await Script.Journal.NextAsync());
            Assert.Equal("began hold", await Script.Journal.NextAsync());
            worker = next;
        }
        var last = await _nodes.StartWorkerAsync();
        _nodes.Kill(worker);

        await client.ClosedAsync();
        Assert.Equal([CloseCode.InternalError], client.Closes);
        Assert.Single(_nodes.Log.Of(1062));
        Assert.Equal(0, last.Worker.Count);
    }

    [Fact]
    public async Task A_connection_outlives_any_number_of_workers_that_die_of_something_else()
    {
        var client = await _gateway.ConnectAsync();

        var worker = _first;
        for (var death = 1; death <= 4; death++)
        {
            var next = await _nodes.StartWorkerAsync();
            _nodes.Kill(worker);
            Assert.Equal("adopted with 0", await Script.Journal.NextAsync());
            worker = next;
        }

        await client.SayAsync("one");
        await client.GotAsync("one 1");
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task The_end_is_told_once_to_the_last_owner()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("one");
        await client.GotAsync("one 1");
        await _nodes.StartWorkerAsync();
        await _first.StopAsync();
        Assert.Equal("adopted with 1", await Script.Journal.NextAsync());

        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");

        Assert.Equal("end 1000 with 1", await Script.Journal.NextAsync());
        Assert.Equal(0, Script.Journal.Unread);
    }

    [Fact]
    public async Task A_worker_that_dies_of_an_end_leaves_it_to_the_next_one_which_learns_that_it_may_not_be_the_first()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("one");
        await client.GotAsync("one 1");
        (Script.HoldsEnd, var first) = (true, Script.Gate);
        var ending = client.EndAsync(CloseCode.Normal);
        Assert.Equal("ending", await Script.Journal.NextAsync());
        Script.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _first.FlushAsync(_gateway); // the client may have its answer before the gateway knows what is kept
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_first);
        Assert.Equal("adopted with 1", await Script.Journal.NextAsync());
        Assert.Equal("ending", await Script.Journal.NextAsync());
        Assert.False(ending.IsCompleted);
        Script.Gate.SetResult();

        await Wait.For(ending, "the end");
        Assert.Equal("end 1000 with 1 again", await Script.Journal.NextAsync());
        first.SetResult();
    }

    [Fact]
    public async Task A_worker_that_stops_gives_back_a_connection_whose_event_takes_too_long_and_the_next_one_handles_the_event_again()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("hold one");
        await client.SayAsync("two");
        Assert.Equal("began hold one", await Script.Journal.NextAsync());
        await _nodes.StartWorkerAsync();

        var stopping = _first.StopAsync();
        await Wait.Until(
            () =>
            {
                _nodes.Pass(1);
                return stopping.IsCompleted;
            },
            "the grace is over");
        Assert.Equal("adopted with 0", await Script.Journal.NextAsync());
        Assert.Equal("began hold one", await Script.Journal.NextAsync());
        Script.Gate.SetResult();

        await client.GotAsync("two 2 again");
        Assert.Equal(["snapshot", "hold one 1 again", "two 2 again"], client.Writer.Texts);
        Assert.Empty(client.Closes);
        Assert.Equal(0, Script.Journal.Unread);
    }

    [Theory]
    [InlineData("test", "hold", 1)]
    [InlineData("shared", """{"stream":"a","payload":"hold"}""", 2)]
    public async Task A_gateway_that_dies_while_a_worker_gives_its_connections_back_leaves_no_consumer_without_an_end(string endpoint, string hold, int consumers)
    {
        var client = await _gateway.ConnectAsync(endpoint);
        await client.SayAsync(hold);
        Assert.Equal("began hold", await Script.Journal.NextAsync());
        var leaving = _first.Worker.LeaveAsync(TimeSpan.FromSeconds(30));

        _nodes.Kill(_gateway);

        for (; consumers > 0; consumers--)
            Assert.Equal("end 1006 with 0", await Script.Journal.NextAsync());
        await Wait.For(leaving, "the worker to leave");
        Assert.Equal((0, 0), (_first.Worker.Count, Script.Journal.Unread));
    }

    [Fact]
    public async Task A_client_that_leaves_while_its_worker_gives_it_back_is_told_of_by_the_next_one_after_all_that_it_said()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("hold one");
        await client.SayAsync("two");
        Assert.Equal("began hold one", await Script.Journal.NextAsync());
        await _nodes.StartWorkerAsync();

        var leaving = _first.Worker.LeaveAsync(TimeSpan.FromSeconds(30));
        var ending = client.EndAsync(CloseCode.Normal);
        Script.Gate.TrySetResult();

        await Wait.For(Task.WhenAll(leaving, ending), "the end");
        Assert.StartsWith("adopted with", await Script.Journal.NextAsync(), StringComparison.Ordinal);
        Assert.StartsWith("end 1000 with", await Script.Journal.NextAsync(), StringComparison.Ordinal);
        Assert.Contains(client.Writer.Texts, static text => text.StartsWith("two", StringComparison.Ordinal));
        Assert.Equal(0, Script.Journal.Unread);
    }

    [Fact]
    public async Task A_worker_that_was_thought_dead_cannot_speak_to_its_former_connections_and_forgets_them()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("hold");
        await Script.Journal.NextAsync();
        await _nodes.StartWorkerAsync();

        _first.Wire.StandStill();
        _nodes.Bury(_first);
        Assert.Equal("adopted with 0", await Script.Journal.NextAsync());
        Assert.Equal("began hold", await Script.Journal.NextAsync());
        Script.Gate.SetResult();
        await client.GotAsync("hold 1 again");
        _first.Wire.GoOn();
        _nodes.Tell(NodeChangeKind.Joined, _first);

        await Wait.Until(
            () =>
            {
                _nodes.Pass(1);
                return _first.Worker.Count == 0;
            },
            "the former owner has learnt that the connection is another's");
        Assert.Equal(["snapshot", "hold 1 again"], client.Writer.Texts);
        Assert.Equal(0, Script.Journal.Unread);
    }
}
