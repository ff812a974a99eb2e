using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Links;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Links;

/// <summary>What gateways know of the workers, and which of them they choose.</summary>
public sealed class WorkerTableTests : IAsyncDisposable
{
    private const string Chat = "websocket.connect.chat";

    private readonly LinkedNodes _nodes = new();
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly List<WorkerGreeter> _greeters = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var greeter in _greeters)
            await greeter.StoppedAsync(CancellationToken.None);
        _greeters.ForEach(greeter => greeter.Dispose());
        await _nodes.DisposeAsync();
    }

    [Fact]
    public async Task A_gateway_hears_what_a_worker_takes_whoever_was_there_first()
    {
        var first = await _nodes.StartAsync();
        var worker = await _nodes.StartAsync();
        await GreetAsync(worker, Chat);

        var second = await _nodes.StartAsync();

        await _nodes.Until(() => first.Workers.Of(Chat).Count == 1 && second.Workers.Of(Chat).Count == 1, "both gateways know it");
        Assert.Equal(worker.Id, first.Workers.Pick(Chat, _ => 0));
        Assert.Null(first.Workers.Pick("websocket.connect.other", _ => 0));
    }

    [Fact]
    public async Task What_a_worker_takes_is_logged_on_both_sides_and_so_is_that_it_is_gone()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(worker, Chat, "http.request.api");
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it");

        LinkedNodes.Leave(gateway, worker);
        await Wait.Until(() => !gateway.Workers.Knows(worker.Id) && gateway.Heard.Contains("ended"), "it is gone");

        string[] expected = [$"Information 1045 Worker {worker.Id} takes 2 channels of connections and requests.", $"Information 1046 Worker {worker.Id} is gone."];
        Assert.Equal(expected, _nodes.Log.Lines.Where(static line => line.Contains(" 1045 ", StringComparison.Ordinal) || line.Contains(" 1046 ", StringComparison.Ordinal)));
        Assert.Contains(_nodes.Log.Lines, static line => line == $"Information 1047 This worker takes the connections and requests '{Chat}', 'http.request.api'.");
    }

    [Fact]
    public async Task The_worker_with_the_fewest_connections_is_picked_and_none_that_has_as_many_as_it_takes()
    {
        var (gateway, busy, idle) = (await _nodes.StartAsync(), await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(busy, Chat);
        await GreetAsync(idle, Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 2, "the gateway knows both");

        Assert.Equal(idle.Id, gateway.Workers.Pick(Chat, worker => worker == busy.Id ? 2 : 1));
        Assert.Equal(busy.Id, gateway.Workers.Pick(Chat, worker => worker == busy.Id ? 9 : 10));
        Assert.Null(gateway.Workers.Pick(Chat, _ => 10));
    }

    [Fact]
    public async Task An_application_that_is_disposed_of_while_its_host_still_stops_ends_without_an_error()
    {
        await GreetAsync(await _nodes.StartAsync(), Chat);
        var greeter = Assert.Single(_greeters);

        greeter.Dispose();

        Assert.Null(await Record.ExceptionAsync(() => greeter.StoppedAsync(CancellationToken.None)));
    }

    [Fact]
    public async Task Of_workers_with_equally_many_connections_each_is_picked_now_and_then()
    {
        var (gateway, one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(one, Chat);
        await GreetAsync(two, Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 2, "the gateway knows both");

        var picked = Enumerable.Range(0, 200).Select(_ => gateway.Workers.Pick(Chat, _ => 0)).ToHashSet();

        Assert.Equal(2, picked.Count);
    }

    [Fact]
    public async Task A_worker_that_stops_says_so_and_gets_nothing_new_before_it_is_gone()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var heard = new List<string>();
        gateway.Workers.Leaving += id => heard.Add("leaving " + id);
        gateway.Workers.Left += id => heard.Add("left " + id);
        await GreetAsync(worker, Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it");

        _lifetime.StopApplication();
        await _nodes.Until(() => heard.Count == 1, "it is leaving");
        Assert.Null(gateway.Workers.Pick(Chat, _ => 0));
        LinkedNodes.Leave(gateway, worker);
        await _nodes.Until(() => heard.Count == 2, "it has left");

        Assert.Equal(["leaving " + worker.Id, "left " + worker.Id], heard);
    }

    [Fact]
    public async Task A_worker_whose_link_has_ended_greets_again_if_the_gateway_is_still_there()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(worker, Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it");
        var left = new TaskCompletionSource();
        gateway.Workers.Left += _ => left.TrySetResult();

        LinkedNodes.Leave(gateway, worker); // a zombie
        await Wait.For(left.Task, "the worker to be gone");
        LinkedNodes.Join(gateway, worker);

        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it again");
    }

    [Fact]
    public async Task A_gateway_that_is_gone_is_not_greeted_again()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(worker, Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it");
        var left = new TaskCompletionSource();
        gateway.Workers.Left += _ => left.TrySetResult();

        LinkedNodes.Leave(worker, gateway);
        await Wait.For(left.Task, "the gateway to hear of the end");
        await _nodes.Until(() => _nodes.Clock.ArmedTimers == 0, "nothing is to be done");

        Assert.False(gateway.Workers.Knows(worker.Id));
    }

    [Fact]
    public async Task A_worker_that_stops_says_nothing_to_a_gateway_that_has_left_although_its_greeter_has_not_heard_of_that()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        await GreetAsync(worker, new HearsOfNoLeave(worker.Nodes), Chat);
        await _nodes.Until(() => gateway.Workers.Of(Chat).Count == 1, "the gateway knows it");
        LinkedNodes.Leave(worker, gateway);
        await Wait.Until(() => (worker.Ends, gateway.Ends) == (1, 1), "the link has ended");

        _lifetime.StopApplication();

        worker.Send(gateway, "behind whatever it said");
        await _nodes.Until(() => gateway.Heard.Contains("behind whatever it said"), "the gateway has heard all");
        Assert.False(gateway.Workers.Knows(worker.Id));
    }

    [Fact]
    public async Task A_node_that_takes_nothing_says_nothing()
    {
        var (gateway, other) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        await GreetAsync(other);
        _nodes.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((0, 0), (gateway.Wire.Published, other.Wire.Published));
    }

    private Task GreetAsync(LinkedNode worker, params string[] channels) => GreetAsync(worker, worker.Nodes, channels);

    private async Task GreetAsync(LinkedNode worker, INodes nodes, params string[] channels)
    {
        var greeter = new WorkerGreeter(worker.Context, worker.Links, nodes, [new Takes(channels)], _lifetime);
        _greeters.Add(greeter);
        await greeter.StartedAsync(CancellationToken.None);
    }

    // Whoever watches has not been told yet that a node has left; the list is as it should be.
    private sealed class HearsOfNoLeave(INodes nodes) : INodes
    {
        public IReadOnlyList<NodeStatus> All => nodes.All;

        public IAsyncEnumerable<NodeChange> WatchAsync(CancellationToken cancellationToken = default) =>
            nodes.WatchAsync(cancellationToken).Where(static change => change.Kind == NodeChangeKind.Joined);

        public Task<IReadOnlyList<NodeStatus>> AskAsync(TimeSpan wait, CancellationToken cancellationToken = default) => nodes.AskAsync(wait, cancellationToken);
    }

    private sealed record Takes(IEnumerable<string> Channels) : IWorkerChannels
    {
        public int MostConnections => 10;
    }
}
