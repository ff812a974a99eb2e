using System.Diagnostics.Metrics;
using Runnel.Handover;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>What a gateway counts of the connections that it hands out.</summary>
[Collection(nameof(Metered))]
public sealed class HandoverMetricsTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private readonly Counts _counts = new();
    private HandedNode _gateway = null!, _first = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        _nodes.Endpoints["stays"] = Script.Describe(canBeAdopted: false);
        _nodes.Endpoints["slow"] = ConsumerDescriptor.For(new ConsumerBuilder().OnConnect((_, cancellationToken) => Script.Gate.Task.WaitAsync(cancellationToken)));
        (_gateway, _first) = await _nodes.StartBothAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _nodes.DisposeAsync();
        _counts.Dispose();
    }

    [Fact]
    public async Task Connections_count_as_handed_out_for_the_first_time_or_again_and_for_the_worker_that_has_them()
    {
        var client = await _gateway.ConnectAsync();
        await _gateway.ConnectAsync();
        Assert.Equal((2, 0, 2), (Handed("new"), Handed("adopted"), HasNow(_first)));

        _nodes.Kill(_first);
        await Wait.Until(() => _gateway.Owners.WaitingCount == 2, "both wait");
        Assert.Equal((2, 0), (WaitingNow, HasNow(_first)));
        var second = await _nodes.StartWorkerAsync();
        await Wait.Until(() => _gateway.Owners.LoadOf(second.Id) == 2, "the second worker has both");
        Assert.Equal((2, 2, 2, 0), (Handed("new"), Handed("adopted"), HasNow(second), WaitingNow));

        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");
        Assert.Equal((1, 0), (HasNow(second), HasNow(_first)));
        Assert.Equal(0, Closed("no-worker") + Closed("not-adoptable"));
    }

    [Fact]
    public async Task Whoever_waits_for_the_end_of_a_connection_finds_it_gone_from_the_counts()
    {
        Script.HoldsEnd = true;
        var client = await _gateway.ConnectAsync();
        var ending = client.EndAsync(CloseCode.Normal);
        var isToldEarly = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter == RunnelTelemetry.Meter && instrument.Name == RunnelTelemetry.HandoverConnections)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => isToldEarly.TrySetResult(SpinWait.SpinUntil(() => ending.IsCompleted, TimeSpan.FromMilliseconds(100))));
        listener.Start();

        Script.Gate.SetResult();
        await Wait.For(ending, "the end");

        Assert.False(await Wait.For(isToldEarly.Task, "it to be taken off the counts"));
        Assert.Equal(0, HasNow(_first));
    }

    [Fact]
    public async Task Connections_that_no_worker_goes_on_with_are_counted_by_the_reason()
    {
        var (waits, stays) = (await _gateway.ConnectAsync(), await _gateway.ConnectAsync("stays"));
        var slow = _gateway.Open("slow");
        var connecting = slow.Session.ConnectAsync();
        await Wait.Until(() => _gateway.Owners.LoadOf(_first.Id) == 3, "the worker has them");

        _nodes.Pass(11);
        await slow.ClosedAsync();
        await Wait.For(connecting, "the connect to end");
        await Wait.For(slow.EndAsync(), "the end");
        _nodes.Kill(_first);
        await stays.ClosedAsync();
        await Wait.Until(() => _gateway.Owners.WaitingCount == 1, "one waits");
        _nodes.Pass(31);
        await waits.ClosedAsync();

        await Wait.For(Task.WhenAll(stays.EndAsync(), waits.EndAsync()), "the ends");
        Assert.Equal((1, 1, 1, 0), (Closed("slow-worker"), Closed("not-adoptable"), Closed("no-worker"), WaitingNow));
    }

    [Fact]
    public async Task Connections_that_nobody_can_go_on_with_are_counted_by_the_reason()
    {
        var failing = _gateway.Open();
        _first.Find = static endpoint => throw new InvalidOperationException($"No {endpoint}.");
        await Wait.For(failing.Session.ConnectAsync(), "the connect to end");
        _first.Find = _nodes.Endpoints.GetValueOrDefault;
        var unwritable = _gateway.Open();
        unwritable.EndRequest();
        await Wait.For(unwritable.Session.ConnectAsync(), "the connect to end");
        var deadly = await _gateway.ConnectAsync();
        await deadly.SayAsync("hold");
        Assert.Equal("began hold", await Script.Journal.NextAsync());

        for (var (death, worker) = (1, _first); death <= HandedSession.MostDeaths; death++)
        {
            var next = await _nodes.StartWorkerAsync();
            _nodes.Kill(worker);
            worker = next;
            if (death < HandedSession.MostDeaths)
                Assert.Equal(["adopted with 0", "began hold"], [await Script.Journal.NextAsync(), await Script.Journal.NextAsync()]);
        }

        await deadly.ClosedAsync();
        Assert.Equal((1, 1, 1), (Closed("refused"), Closed("scope"), Closed("killed-workers")));
    }

    [Fact]
    public async Task What_a_worker_says_to_a_connection_that_is_not_its_own_is_counted_and_the_worker_learns_it()
    {
        var client = await _gateway.ConnectAsync();
        var number = client.Session.Connection.Number;

        _first.Links.Send(_gateway.Id, new ToGateway.Handled(number + 1_000, owner: 1, number: 1, stream: 0, kept: null));
        _first.Links.Send(_gateway.Id, new ToGateway.SendFrame(number, owner: 2, Frame.Text("of a former owner")));
        await _first.FlushAsync(_gateway);

        Assert.Equal(2, _counts[RunnelTelemetry.HandoverRefused]);
        await client.SayAsync("one");
        await client.GotAsync("one 1");
        Assert.Equal(["snapshot", "one 1"], client.Writer.Texts);
    }

    private long WaitingNow => _counts[RunnelTelemetry.HandoverWaiting];

    private long Handed(string kind) => _counts[RunnelTelemetry.HandoverHanded, kind];

    private long Closed(string reason) => _counts[RunnelTelemetry.HandoverClosed, reason];

    private long HasNow(HandedNode worker)
    {
        _ = _gateway.Owners.LoadOf(worker.Id); // whoever is about to count has the lock
        return _counts[RunnelTelemetry.HandoverConnections, worker.Id];
    }
}
