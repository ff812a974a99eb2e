using Runnel.Handover;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>Who gets a connection, when nobody wants it, and when it wants nobody any more.</summary>
public sealed class ConnectionOwnersTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        _gateway = await _nodes.StartGatewayAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task A_worker_takes_no_more_than_its_most_connections_from_all_gateways_together_and_the_others_wait_for_room()
    {
        await using var nodes = new HandedNodes(static options => options.MaxConnections = 2);
        nodes.Endpoints["test"] = Script.Describe();
        var (one, other) = (await nodes.StartGatewayAsync(), await nodes.StartGatewayAsync());
        var worker = await nodes.StartWorkerAsync();
        var first = await one.ConnectAsync();
        await other.ConnectAsync();

        var connecting = other.ConnectAsync();
        await Wait.Until(() => other.Owners.WaitingCount == 1, "the third waits");
        nodes.Pass(2);
        await Wait.Until(() => other.Owners.WaitingCount == 1, "the third waits still");
        Assert.Equal((2, 1, false), (worker.Worker.Count, other.Owners.LoadOf(worker.Id), connecting.IsCompleted));
        await Wait.For(first.EndAsync(CloseCode.Normal), "the end of the first");
        await Wait.Until(() => worker.Worker.Count == 1, "there is room");
        nodes.Pass(1);

        await Wait.For(connecting, "the third");
        Assert.Equal((2, 2), (worker.Worker.Count, other.Owners.LoadOf(worker.Id)));
    }

    [Fact]
    public async Task A_connection_that_a_full_worker_refuses_again_and_again_waits_no_longer_than_if_nobody_were_asked()
    {
        await using var nodes = new HandedNodes(static options => options.MaxConnections = 1);
        nodes.Endpoints["test"] = Script.Describe();
        var (gateway, client) = await LoseToAFullWorkerAsync(nodes, static _ => Task.CompletedTask);

        for (var seconds = 0; seconds < 30; seconds++)
        {
            await Wait.Until(() => gateway.Owners.WaitingCount == 1, "it is refused");
            Assert.Empty(client.Closes);
            nodes.Pass(1);
        }

        await client.ClosedAsync();
        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
    }

    [Fact]
    public async Task An_event_that_a_dead_worker_may_have_begun_is_marked_as_such_also_when_a_full_worker_has_refused_it_meanwhile()
    {
        await using var nodes = new HandedNodes(static options => options.MaxConnections = 1);
        nodes.Endpoints["test"] = Script.Describe();
        var (gateway, client) = await LoseToAFullWorkerAsync(nodes, async client =>
        {
            await client.SayAsync("hold");
            Assert.Equal("began hold", await Script.Journal.NextAsync());
        });
        await Wait.Until(() => gateway.Owners.WaitingCount == 1, "it is refused");

        Script.Gate.SetResult();
        await nodes.StartWorkerAsync();

        await client.GotAsync("hold 1 again");
    }

    [Fact]
    public async Task A_worker_that_is_full_because_of_another_gateway_is_asked_with_one_connection_and_gets_its_share_when_it_has_room()
    {
        await using var nodes = new HandedNodes(static options => options.MaxConnections = 20);
        nodes.Endpoints["test"] = Script.Describe();
        nodes.Endpoints["stays"] = Script.Describe(canBeAdopted: false);
        var (one, other) = (await nodes.StartGatewayAsync(), await nodes.StartGatewayAsync());
        var first = await nodes.StartWorkerAsync();
        var clients = new List<SocketHere>();
        for (var i = 0; i < 20; i++)
            await one.ConnectAsync();
        var second = await nodes.StartWorkerAsync();
        for (var i = 0; i < 20; i++)
            clients.Add(await other.ConnectAsync("stays"));
        Assert.Equal((20, 20), (first.Worker.Count, second.Worker.Count));

        nodes.Pass(1);
        await RestAsync(10); // the first time, the gateway does not know that the second worker is full
        nodes.Pass(30);
        await RestAsync(1);
        foreach (var client in clients)
            await Wait.For(client.EndAsync(CloseCode.Normal), "the end");
        nodes.Pass(30);
        Assert.StartsWith("adopted", await NextAsync(), StringComparison.Ordinal);
        nodes.Pass(1);

        await Wait.Until(() => one.Owners.LoadOf(second.Id) == 10, "it has its share");

        // So many connections were asked back, refused, and are with the first worker again.
        async Task RestAsync(int bounced)
        {
            for (; bounced > 0; bounced--)
                Assert.StartsWith("adopted", await NextAsync(), StringComparison.Ordinal);
            await Wait.Until(() => first.Worker.Count == 20 && one.Owners.LoadOf(first.Id) == 20, "all are with the first worker");
            Assert.Equal(0, Script.Journal.Unread);
        }

        async Task<string> NextAsync()
        {
            string entry;
            while ((entry = await Script.Journal.NextAsync()).StartsWith("end", StringComparison.Ordinal))
                continue;
            return entry;
        }
    }

    [Fact]
    public async Task A_gateway_without_connections_has_no_timer()
    {
        await _nodes.StartWorkerAsync();
        var client = await _gateway.ConnectAsync();

        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");

        await Wait.Until(
            () =>
            {
                _nodes.Pass(1);
                return _nodes.Clock.ArmedTimers == 0;
            },
            "nothing is to be done");
    }

    [Fact]
    public async Task A_gateway_that_had_no_connections_for_a_while_gives_up_one_that_finds_no_worker_in_time()
    {
        var worker = await _nodes.StartWorkerAsync();
        await Wait.For((await _gateway.ConnectAsync()).EndAsync(CloseCode.Normal), "the end");
        await Wait.Until(
            () =>
            {
                _nodes.Pass(1);
                return _nodes.Clock.ArmedTimers == 0;
            },
            "nothing is to be done");
        await worker.StopAsync();
        await Wait.Until(() => _gateway.Workers.Of("websocket.connect.test").Count == 0, "no worker is there");

        var client = _gateway.Open();
        var connecting = client.Session.ConnectAsync();
        _nodes.Pass(11);

        await Wait.For(connecting, "the connect to end");
        Assert.Equal([CloseCode.TryAgainLater], client.Closes);
    }

    [Fact]
    public async Task A_client_that_left_before_a_worker_came_is_handed_to_nobody_and_its_request_is_not_read()
    {
        var client = _gateway.Open();
        var session = (HandedSession)client.Session;
        var connecting = session.ConnectAsync();
        Assert.Equal((1, 0), (_gateway.Owners.WaitingCount, client.ScopeReads));
        client.Abort();
        await Wait.For(connecting, "the connect to end");
        await Wait.For(client.EndAsync(), "the end");

        _gateway.Owners.HandOut(session); // as who has seen it among those that wait, a moment ago
        Assert.Equal(0, _gateway.Owners.WaitingCount);
        var worker = await _nodes.StartWorkerAsync();
        _gateway.Owners.HandOut(session);

        Assert.Equal((0, 0), (_gateway.Owners.LoadOf(worker.Id), client.ScopeReads));
        Assert.Empty(_nodes.Log.Of(1069));
    }

    [Fact]
    public async Task A_connection_whose_consumer_has_just_accepted_is_not_given_up()
    {
        await _nodes.StartWorkerAsync();
        var client = await _gateway.ConnectAsync();

        ((HandedSession)client.Session).GiveUp(); // as who has read its deadline a moment ago

        await client.SayAsync("one");
        await client.GotAsync("one 1");
        Assert.Empty(client.Closes);
        Assert.Empty(_nodes.Log.Of(1061));
    }

    [Fact]
    public async Task A_connection_that_ends_twice_at_once_is_taken_off_its_worker_once()
    {
        var worker = await _nodes.StartWorkerAsync();
        var (client, _) = (await _gateway.ConnectAsync(), await _gateway.ConnectAsync());
        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");

        _gateway.Owners.Remove((HandedSession)client.Session);

        Assert.Equal(1, _gateway.Owners.LoadOf(worker.Id));
    }

    [Fact]
    public async Task A_connection_that_a_worker_does_not_know_goes_to_one_that_does()
    {
        var first = await _nodes.StartWorkerAsync();
        first.Find = static _ => null;
        var client = _gateway.Open();

        var connecting = client.Session.ConnectAsync();
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits for another worker");
        var second = await _nodes.StartWorkerAsync();
        await Wait.For(connecting, "the connect");

        await client.GotAsync("snapshot");
        Assert.Equal((0, 1), (_gateway.Owners.LoadOf(first.Id), _gateway.Owners.LoadOf(second.Id)));
        Assert.Single(_nodes.Log.Of(1066));
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task What_a_worker_did_not_know_it_is_asked_again_when_its_link_was_lost_meanwhile()
    {
        await using var nodes = new HandedNodes(static options => options.HandshakeTimeout = TimeSpan.FromMinutes(10));
        nodes.Endpoints["test"] = Script.Describe();
        var (gateway, worker) = await nodes.StartBothAsync();
        worker.Find = static _ => null;
        var connecting = gateway.ConnectAsync();
        await Wait.Until(() => gateway.Owners.WaitingCount == 1, "the connection is refused");
        worker.Find = nodes.Endpoints.GetValueOrDefault;

        nodes.Bury(worker);
        await Wait.Until(() => !gateway.Workers.Knows(worker.Id), "the link is lost");
        nodes.Tell(NodeChangeKind.Joined, worker);
        await Wait.Until(
            () =>
            {
                nodes.Pass(1);
                return gateway.Workers.Knows(worker.Id);
            },
            "the worker greets again");

        await Wait.For(connecting, "the connect");
    }

    [Fact]
    public async Task A_connection_that_no_worker_knows_any_more_is_closed_with_1012_in_time_and_its_end_holds_up_nobody()
    {
        var first = await _nodes.StartWorkerAsync();
        var client = await _gateway.ConnectAsync();
        var second = await _nodes.StartWorkerAsync();
        second.Find = static _ => null;

        _nodes.Kill(first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits for another worker");
        Assert.Empty(client.Closes);
        _nodes.Pass(31);

        await client.ClosedAsync();
        await Wait.For(client.EndAsync(CloseCode.ServiceRestart), "the end");
        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
    }

    [Fact]
    public async Task A_connection_that_a_worker_fails_to_take_is_closed_with_1012_and_its_end_holds_up_nobody()
    {
        var worker = await _nodes.StartWorkerAsync();
        worker.Find = static endpoint => throw new InvalidOperationException($"No {endpoint}.");
        var client = _gateway.Open();

        await Wait.For(client.Session.ConnectAsync(), "the connect to end");

        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
        await Wait.For(client.EndAsync(), "the end");
        Assert.Equal((0, 0), (_gateway.Owners.LoadOf(worker.Id), worker.Worker.Count));
        Assert.Single(_nodes.Log.Of(1072));
    }

    // The only worker that is left is full, and this gateway does not know.
    private static async Task<(HandedNode Gateway, SocketHere Client)> LoseToAFullWorkerAsync(HandedNodes nodes, Func<SocketHere, Task> sayAsync)
    {
        var (gateway, other) = (await nodes.StartGatewayAsync(), await nodes.StartGatewayAsync());
        var first = await nodes.StartWorkerAsync();
        var client = await gateway.ConnectAsync();
        await sayAsync(client);
        var full = await nodes.StartWorkerAsync();
        await other.ConnectAsync();
        await Wait.Until(() => full.Worker.Count == 1, "the second worker is full");
        nodes.Kill(first);
        return (gateway, client);
    }
}
