using System.Buffers;
using Runnel.Handover;
using Runnel.Links;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>How often a connection may lose its owner, at which moments, and what happens when there is to be no other one.</summary>
public sealed class LostOwnerTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _first = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        (_gateway, _first) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task Three_workers_that_die_of_three_events_cost_nothing()
    {
        var client = await _gateway.ConnectAsync();

        var worker = _first;
        List<TaskCompletionSource> gates = [];
        for (var death = 1; death <= 3; death++)
        {
            gates.Add(Script.Gate);
            await client.SayAsync($"hold {death}");
            Assert.Equal($"began hold {death}", await Script.Journal.NextAsync());
            await worker.FlushAsync(_gateway); // the client may have its last answer before the gateway knows what is kept
            var next = await _nodes.StartWorkerAsync();
            Script.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _nodes.Kill(worker);
            Assert.Equal([$"adopted with {death - 1}", $"began hold {death}"], [await Script.Journal.NextAsync(), await Script.Journal.NextAsync()]);
            Script.Gate.SetResult();
            await client.GotAsync($"hold {death} {death} again");
            Script.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
            worker = next;
        }

        Assert.Empty(client.Closes);
        Assert.Empty(_nodes.Log.Of(1062));
        gates.ForEach(static gate => gate.TrySetResult());
    }

    [Fact]
    public async Task A_connection_that_kills_three_workers_while_its_consumer_connects_is_closed_with_1011()
    {
        _nodes.Endpoints["test"] = Connecting(accepts: false);
        var client = _gateway.Open();
        var connecting = client.Session.ConnectAsync();
        Assert.Equal("connecting", await Script.Journal.NextAsync());

        var worker = _first;
        for (var death = 1; death <= 3; death++)
        {
            var next = await _nodes.StartWorkerAsync();
            _nodes.Kill(worker);
            if (death < 3)
                Assert.Equal("connecting", await Script.Journal.NextAsync());
            worker = next;
        }

        await Wait.For(connecting, "the connect to end");
        Assert.Equal([CloseCode.InternalError], client.Closes);
    }

    [Fact]
    public async Task A_connection_whose_worker_dies_after_it_accepted_and_before_it_connected_is_closed_with_1012()
    {
        _nodes.Endpoints["test"] = Connecting(accepts: true);
        var client = _gateway.Open();
        var connecting = client.Session.ConnectAsync();
        Assert.Equal("connecting", await Script.Journal.NextAsync());
        await _first.FlushAsync(_gateway);
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_first);

        await Wait.For(connecting, "the connect to end");
        Assert.Equal([CloseCode.ServiceRestart], client.Closes);
        Assert.Equal(0, Script.Journal.Unread);
    }

    [Fact]
    public async Task A_gateway_that_stops_does_not_wait_for_a_worker_to_be_told_of_an_end()
    {
        var client = await _gateway.ConnectAsync();
        _nodes.Kill(_first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits");
        var ending = client.EndAsync(CloseCode.ServiceRestart);
        Assert.False(ending.IsCompleted);

        await _gateway.StopAsync();

        await Wait.For(ending, "the end");
    }

    [Fact]
    public async Task A_client_that_waits_to_be_read_is_read_to_its_end_when_no_worker_comes()
    {
        var client = await _gateway.ConnectAsync();
        var saying = Task.CompletedTask;
        for (var said = 0; said < HandedSession.MostOpenMessages; said++)
            saying = client.SayAsync("hold");
        Assert.False(saying.IsCompleted);
        _nodes.Kill(_first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "the connection waits");

        _nodes.Pass(31);

        await client.ClosedAsync();
        await Wait.For(saying, "whoever reads the socket to go on");
    }

    [Fact]
    public async Task A_worker_that_stops_does_not_wait_for_ever_for_a_client_that_does_not_answer_and_says_so()
    {
        _nodes.Endpoints["test"] = Script.Describe(canBeAdopted: false);
        var client = await _gateway.ConnectAsync();

        var leaving = _first.Worker.LeaveAsync(TimeSpan.FromSeconds(5));
        await client.ClosedAsync();
        await PassUntilAsync(leaving);

        Assert.Contains("; 1 are left.", Assert.Single(_nodes.Log.Of(1068)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_stops_does_not_wait_for_ever_for_a_gateway_that_confirms_nothing_and_says_so()
    {
        await _gateway.ConnectAsync();
        await _first.FlushAsync(_gateway);
        _gateway.Wire.StandStill();

        // The grace is long, since the clock runs while the worker is still about to see that it has nothing left.
        var leaving = _first.Worker.LeaveAsync(TimeSpan.FromDays(1));
        await Wait.Until(() => _first.Worker.Count == 0, "it has given all back");
        await PassUntilAsync(leaving);

        Assert.Single(_nodes.Log.Of(1074));
        Assert.Empty(_nodes.Log.Of(1068));
        _gateway.Wire.GoOn();
    }

    [Fact]
    public async Task A_worker_that_leaves_gives_back_what_it_is_given_then()
    {
        var client = await _gateway.ConnectAsync();
        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");
        await Wait.Until(() => _first.Worker.Count == 0, "the worker has forgotten it"); // which it does after it has said that the end is handled
        await Wait.For(_first.Worker.LeaveAsync(TimeSpan.Zero), "the worker to leave");
        var assigned = new ArrayBufferWriter<byte>();
        new ToWorker(HandoverFormat.Told.Assign, client.Session.Connection.Number, owner: 2).WriteTo(assigned);

        _first.Worker.OnMessage(_gateway.Id, assigned.WrittenMemory);

        await Wait.Until(() => _nodes.Log.Of(1063).Any(), "the gateway has heard it, which knows nothing of that connection any more");
        Assert.Equal(0, _first.Worker.Count);
    }

    [Fact]
    public async Task A_connection_that_comes_to_a_worker_at_the_moment_in_which_that_begins_to_leave_goes_to_the_next_one()
    {
        var leaving = Task.CompletedTask;
        _first.Find = endpoint =>
        {
            _first.Links.Send(_gateway.Id, (WorkerGreeting.Nothing with { IsLeaving = true }).ToItem());
            leaving = _first.Worker.LeaveAsync(TimeSpan.FromSeconds(5));
            return _nodes.Endpoints[endpoint];
        };
        var client = await _gateway.ConnectAsync();

        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "it has been given back");
        var second = await _nodes.StartWorkerAsync();
        await client.SayAsync("one");

        await client.GotAsync("one 1");
        Assert.Equal(1, second.Worker.Count);
        await Wait.Until(() => _first.Worker.Count == 0, "the first worker has forgotten it"); // which it does after it has given it back
        await Wait.For(leaving, "the worker to leave");
    }

    private Task PassUntilAsync(Task task) => Wait.Until(
        () =>
        {
            _nodes.Pass(1);
            return task.IsCompleted;
        },
        "time has passed");

    private ConsumerDescriptor Connecting(bool accepts) => ConsumerDescriptor.For(new ConsumerBuilder().OnConnect(async (connection, cancellationToken) =>
    {
        if (accepts)
            await connection.AcceptAsync(AcceptOptions.Default, cancellationToken);
        Script.Journal.Write("connecting");
        await Script.Gate.Task.WaitAsync(cancellationToken);
    }));
}
