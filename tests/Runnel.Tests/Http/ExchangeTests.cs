using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Links;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What a gateway and a worker send each other for a request is bounded, and each hears when the other is gone.</summary>
public sealed class ExchangeTests : IAsyncDisposable
{
    private const string Channel = "http.request.test";

    private readonly LinkedNodes _nodes = new();

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task Whoever_sends_waits_until_the_other_side_has_taken_what_was_sent()
    {
        var (asking, worker) = await BeginAsync();
        var chunk = new byte[64 * 1024];
        for (var i = 0; i < 4; i++)
            await asking.SendAsync(chunk);

        var fifth = asking.SendAsync(chunk).AsTask();
        await _nodes.Until(() => worker.Received, "the worker has something");
        Assert.False(fifth.IsCompleted);
        worker.Read.SetResult();

        await Wait.For(fifth, "the worker to take some");
    }

    [Fact]
    public async Task Whoever_waits_for_the_other_side_hears_that_it_is_gone()
    {
        var (asking, worker) = await BeginAsync();
        for (var i = 0; i < 4; i++)
            await asking.SendAsync(new byte[64 * 1024]);
        await _nodes.Until(() => worker.Received, "the worker has it");
        var (sending, receiving) = (asking.SendAsync(new byte[1]).AsTask(), asking.ReceiveAsync().AsTask());

        LinkedNodes.Leave(worker.Gateway, worker.Node);

        await Assert.ThrowsAsync<IOException>(() => Wait.For(sending, "the end"));
        await Assert.ThrowsAsync<IOException>(() => Wait.For(receiving, "the end"));
        Assert.True(asking.Gone.IsCancellationRequested);
        await Wait.For(worker.Gone.Task, "the worker to hear it, too");
    }

    [Fact]
    public async Task Whoever_gives_up_tells_the_other_side()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");

        await asking.DisposeAsync();

        await Wait.For(worker.Gone.Task, "the worker to hear it");
    }

    private async Task<(Exchange Asking, Worker Worker)> BeginAsync()
    {
        var (gateway, node) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var worker = new Worker(gateway, node);
        var asking = new WorkerExchanges(gateway.Context, gateway.Links, gateway.Workers, []);
        _ = new WorkerExchanges(node.Context, node.Links, node.Workers, [worker]);
        node.Links.Send(gateway.Id, new WorkerGreeting([Channel], 10, IsLeaving: false).ToItem());
        await _nodes.Until(() => gateway.Workers.Knows(node.Id), "the gateway knows the worker");
        return (asking.Begin(new ChannelName(Channel), "head"u8.ToArray())!, worker);
    }

    private sealed class Worker(LinkedNode gateway, LinkedNode node) : IExchangeHandler
    {
        public LinkedNode Gateway => gateway;

        public LinkedNode Node => node;

        public bool Received { get; private set; }

        public TaskCompletionSource Read { get; } = new();

        public TaskCompletionSource Gone { get; } = new();

        public async Task HandleAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange, CancellationToken cancellationToken)
        {
            Received = true;
            await Read.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested)
                Gone.SetResult();
            while (await exchange.ReceiveAsync(cancellationToken) is not null)
                continue;
        }
    }
}
