using Runnel.Handover;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>What a worker does with the connections of a gateway that has died.</summary>
public sealed class LostGatewayTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _worker = null!;

    private Counting.Script Script => _nodes.Script;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = Script.Describe();
        (_gateway, _worker) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task When_the_gateway_dies_its_consumers_are_told_of_the_end()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("one");
        await client.GotAsync("one 1");

        _nodes.Kill(_gateway);

        Assert.Equal("end 1006 with 1", await Script.Journal.NextAsync());
        await Wait.Until(() => _worker.Worker.Count == 0, "it is forgotten");
    }

    [Theory]
    [InlineData("send")]
    [InlineData("join")]
    public async Task When_the_gateway_dies_a_consumer_that_waits_for_it_goes_on_and_is_told_of_the_end(string to)
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For<Waiting>();
        var client = await _gateway.ConnectAsync();
        await client.SayAsync(to);
        Assert.Equal("began", await _nodes.Journal.NextAsync());
        _gateway.Wire.StandStill();
        _nodes.Journal.Gate.SetResult();
        Assert.Equal("waits", await _nodes.Journal.NextAsync());

        _nodes.Bury(_gateway);

        Assert.Equal(["goes on", "end 1006"], [await _nodes.Journal.NextAsync(), await _nodes.Journal.NextAsync()]);
        _gateway.Wire.GoOn();
    }

    [Fact]
    public async Task When_the_gateway_dies_a_consumer_that_has_not_accepted_its_client_is_not_told_of_an_end()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For(new ConsumerBuilder()
            .OnConnect((_, cancellationToken) =>
            {
                Script.Journal.Write("connecting");
                return Script.Gate.Task.WaitAsync(cancellationToken);
            })
            .OnDisconnect((_, _) =>
            {
                Script.Journal.Write("end");
                return Task.CompletedTask;
            }));
        _ = _gateway.Open().Session.ConnectAsync();
        Assert.Equal("connecting", await Script.Journal.NextAsync());

        _nodes.Kill(_gateway);

        await Wait.Until(() => _worker.Worker.Count == 0, "it is forgotten");
        Assert.Equal(0, Script.Journal.Unread);
    }

    /// <summary>Waits for the gateway when it may.</summary>
    public sealed class Waiting(Journal journal) : WebSocketConsumer
    {
        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            journal.Write("began");
            await journal.Gate.Task;
            Task waiting = text == "join" ? Groups.AddAsync("kept.news", CancellationToken.None).AsTask() : Task.CompletedTask;
            for (var sent = 0; waiting.IsCompleted && sent <= SendWindow.MostFrames; sent++)
                waiting = SendAsync("text", CancellationToken.None).AsTask();
            journal.Write(waiting.IsCompleted ? "does not wait" : "waits");
            await waiting;
            journal.Write("goes on");
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"end {code}");
            return Task.CompletedTask;
        }
    }
}
