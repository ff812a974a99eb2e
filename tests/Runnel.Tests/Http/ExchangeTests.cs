using System.Text;
using Runnel.Exchanges;
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
    private const int MostConnections = 10;

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
    public async Task What_is_asked_arrives_as_it_was_though_its_memory_is_used_again()
    {
        var (asking, worker) = await BeginAsync();
        var held = new TaskCompletionSource();
        worker.Gateway.Wire.Held = held.Task;
        var chunk = "chunk"u8.ToArray();
        await asking.SendAsync("first "u8.ToArray());
        await Wait.Until(() => worker.Gateway.Wire.Waiting == 1, "something is under way, so that what follows waits");

        await asking.SendAsync(chunk);
        chunk.AsSpan().Fill((byte)'x');
        asking.Complete();
        held.SetResult();
        worker.Read.SetResult();

        Assert.Null(await Wait.For(asking.ReceiveAsync().AsTask(), "the answer"));
        Assert.Equal((Channel, "head", "first chunk"), worker.Asked);
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
        await Wait.Until(() => asking.Gone.IsCancellationRequested, "its token says so"); // just after whoever waits has heard it
        await Wait.For(worker.Gone.Task, "the worker to hear it, too");
    }

    [Fact]
    public async Task Whoever_gives_up_tells_the_other_side()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");

        await asking.DisposeAsync();

        await Wait.For(worker.Gone.Task, "the worker to hear it");
        await Wait.Until(() => worker.Exchanges.Answering == 0, "the worker has done with it");
        Assert.Empty(LoggedAs("Error 1048")); // it was no fault
    }

    [Fact]
    public async Task A_request_whose_handler_fails_is_logged_and_its_gateway_learns_it()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");

        worker.Read.SetException(new InvalidOperationException("The test lets it fail."));

        await Assert.ThrowsAsync<IOException>(() => Wait.For(asking.ReceiveAsync().AsTask(), "the gateway to hear it"));
        Assert.Contains($"'{Channel}'", Assert.Single(LoggedAs("Error 1048")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_stops_gives_up_what_takes_too_long_and_tells_the_gateway()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");
        var receiving = asking.ReceiveAsync().AsTask();

        var ending = worker.Exchanges.EndAsync();
        await _nodes.Until(() => ending.IsCompleted, "the worker has waited long enough");

        await Wait.For(worker.Gone.Task, "the handler to hear it");
        await Assert.ThrowsAsync<IOException>(() => Wait.For(receiving, "the gateway to hear it"));
        Assert.Contains("could not answer 1 requests", Assert.Single(LoggedAs("Warning 1049")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_stops_waits_until_the_gateway_has_the_answer()
    {
        var (asking, worker, held) = await AnswerUnheardAsync();

        var ending = worker.Exchanges.EndAsync();
        Assert.False(ending.IsCompleted);
        held.SetResult();

        await Wait.For(ending, "the end");
        Assert.Null(await Wait.For(asking.ReceiveAsync().AsTask(), "the answer"));
    }

    [Fact]
    public async Task A_worker_that_stops_does_not_wait_for_ever_for_a_gateway_that_confirms_nothing_and_says_so()
    {
        var (_, worker, held) = await AnswerUnheardAsync();

        var ending = worker.Exchanges.EndAsync();
        await _nodes.Until(() => ending.IsCompleted, "the end");

        Assert.Single(LoggedAs("Warning 1050"));
        held.SetResult();
    }

    [Fact]
    public async Task A_worker_that_stops_refuses_what_comes_then()
    {
        var (_, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has the first one");

        var ending = worker.Exchanges.EndAsync();
        var late = await AskAsync(worker);

        await AssertRefusedAsync(late);
        worker.Read.SetResult();
        await _nodes.Until(() => ending.IsCompleted, "the end");
    }

    [Fact]
    public async Task A_worker_takes_only_so_many_requests_of_all_gateways_together()
    {
        var (first, worker) = await BeginAsync(most: 1);
        await _nodes.Until(() => worker.Received, "the worker has the first one");

        var second = await AskAsync(worker);

        await AssertRefusedAsync(second);
        Assert.False(first.Gone.IsCancellationRequested);
        await Wait.Until(() => worker.Exchanges.Answering == 1, "only the first one counts");
    }

    [Fact]
    public async Task A_request_is_not_handed_to_a_worker_that_has_refused_it()
    {
        var (_, worker) = await BeginAsync();
        var asking = new WorkerExchanges(worker.Gateway.Context, worker.Gateway.Links, worker.Gateway.Workers, [], most: 1);

        var again = asking.Begin(new ChannelName(Channel), default, new HashSet<string> { worker.Node.Id });

        Assert.Null(again);
    }

    [Fact]
    public async Task How_many_connections_a_worker_takes_says_nothing_of_requests()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var asking = new WorkerExchanges(gateway.Context, gateway.Links, gateway.Workers, [], most: 1);
        await GreetAsync(gateway, worker);

        var exchanges = Enumerable.Range(0, MostConnections + 1).Select(_ => asking.Begin(new ChannelName(Channel), default));

        Assert.All(exchanges, Assert.NotNull);
    }

    [Fact]
    public async Task A_request_whose_worker_leaves_while_it_is_handed_out_is_lost_at_once()
    {
        var (gateway, worker) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        var asking = new WorkerExchanges(gateway.Context, gateway.Links, gateway.Workers, [], most: 1);
        await GreetAsync(gateway, worker);

        var exchange = asking.Begin(new ChannelName(Channel), default, new Leaving(() => gateway.Links.Fail(worker.Id, new InvalidOperationException("The test ends the link."))));

        await Assert.ThrowsAsync<IOException>(() => Wait.For(exchange!.ReceiveAsync().AsTask(), "the end"));
    }

    [Fact]
    public async Task Only_the_worker_that_has_a_request_answers_it()
    {
        var (asking, worker) = await BeginAsync();
        var other = await _nodes.StartAsync();

        other.Links.Send(worker.Gateway.Id, new ExchangeItem(LinkKind.Response, asking.Id, ExchangeStep.Abort, default));
        await _nodes.FlushAsync(other, worker.Gateway);

        Assert.False(asking.Gone.IsCancellationRequested);
    }

    [Fact]
    public async Task A_step_of_a_later_version_changes_nothing()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");

        worker.Gateway.Links.Send(worker.Node.Id, new ExchangeItem(LinkKind.Request, asking.Id, (ExchangeStep)99, default));
        worker.Node.Links.Send(worker.Gateway.Id, new ExchangeItem(LinkKind.Response, asking.Id, (ExchangeStep)99, default));
        await _nodes.FlushAsync(worker.Gateway, worker.Node);
        asking.Complete();
        worker.Read.SetResult();

        Assert.Null(await Wait.For(asking.ReceiveAsync().AsTask(), "the answer"));
        Assert.False(asking.Gone.IsCancellationRequested);
    }

    [Fact]
    public async Task A_worker_whose_link_was_lost_with_requests_gets_its_share_of_the_next_ones_and_is_then_forgotten()
    {
        var (gateway, one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync(), await _nodes.StartAsync());
        var asking = new WorkerExchanges(gateway.Context, gateway.Links, gateway.Workers, [], most: 1);
        await GreetAsync(gateway, one);
        await GreetAsync(gateway, two);
        var before = Ask(10);
        gateway.Links.Fail(one.Id, new InvalidOperationException("The test ends the link."));
        Assert.Equal(5, asking.Load[one.Id]);
        foreach (var exchange in before)
            await exchange.DisposeAsync();
        Assert.Empty(asking.Load);
        await GreetAsync(gateway, one);

        var next = Ask(10);

        Assert.Equal((5, 5), (asking.Load[one.Id], asking.Load[two.Id]));
        Assert.Equal(5, next.Count(exchange => exchange.NodeId == one.Id));

        List<Exchange> Ask(int count) => [.. Enumerable.Range(0, count).Select(_ => asking.Begin(new ChannelName(Channel), default)!)];
    }

    // Again and again: a link that is just ending takes nothing.
    private static Task GreetAsync(LinkedNode gateway, LinkedNode worker) => Wait.Until(
        () =>
        {
            worker.Links.Send(gateway.Id, new WorkerGreeting([Channel], MostConnections, IsLeaving: false).ToItem());
            return gateway.Workers.Knows(worker.Id);
        },
        "the gateway knows the worker");

    private async Task<(Exchange Asking, Worker Worker)> BeginAsync(int most = 10)
    {
        var node = await _nodes.StartAsync();
        var worker = new Worker(await _nodes.StartAsync(), node);
        worker.Exchanges = new WorkerExchanges(node.Context, node.Links, node.Workers, [worker], most);
        return (await AskAsync(worker, worker.Gateway), worker);
    }

    // The worker has answered, and its gateway hears nothing until it is let go.
    private async Task<(Exchange Asking, Worker Worker, TaskCompletionSource Held)> AnswerUnheardAsync()
    {
        var (asking, worker) = await BeginAsync();
        await _nodes.Until(() => worker.Received, "the worker has it");
        asking.Complete();
        await _nodes.FlushAsync(worker.Gateway, worker.Node);
        var held = new TaskCompletionSource();
        worker.Node.Wire.Held = held.Task;
        worker.Read.SetResult();
        await Wait.Until(() => worker.Exchanges.Answering == 0, "the worker has answered");
        return (asking, worker, held);
    }

    // As another gateway, unless told otherwise.
    private async Task<Exchange> AskAsync(Worker worker, LinkedNode? from = null)
    {
        var gateway = from ?? await _nodes.StartAsync();
        var asking = new WorkerExchanges(gateway.Context, gateway.Links, gateway.Workers, [], most: 1);
        await GreetAsync(gateway, worker.Node);
        return asking.Begin(new ChannelName(Channel), "head"u8.ToArray())!;
    }

    private IEnumerable<string> LoggedAs(string what) => _nodes.Log.Lines.Where(line => line.StartsWith(what, StringComparison.Ordinal));

    private static async Task AssertRefusedAsync(Exchange exchange)
    {
        await Assert.ThrowsAsync<IOException>(() => Wait.For(exchange.ReceiveAsync().AsTask(), "the refusal"));
        Assert.True(exchange.WasRefused);
    }

    // Something happens when somebody asks whether a worker has refused the request.
    private sealed class Leaving(Action happens) : HashSet<string>, IReadOnlySet<string>
    {
        bool IReadOnlySet<string>.Contains(string item)
        {
            happens();
            return false;
        }
    }

    private sealed class Worker(LinkedNode gateway, LinkedNode node) : IExchangeHandler
    {
        public LinkedNode Gateway => gateway;

        public LinkedNode Node => node;

        public WorkerExchanges Exchanges { get; set; } = null!;

        public bool Received { get; private set; }

        /// <summary>The channel, the head and the rest of what it was asked.</summary>
        public (string Channel, string Head, string Text) Asked { get; private set; }

        public TaskCompletionSource Read { get; } = new();

        public TaskCompletionSource Gone { get; } = new();

        public async Task HandleAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange, CancellationToken cancellationToken)
        {
            Received = true;
            await Task.WhenAny(Read.Task, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
            if (cancellationToken.IsCancellationRequested)
                Gone.SetResult();
            else
                await Read.Task;
            Asked = (channel, Encoding.UTF8.GetString(head.Span), "");
            while (await exchange.ReceiveAsync(cancellationToken) is { } chunk)
                Asked = Asked with { Text = Asked.Text + Encoding.UTF8.GetString(chunk.Span) };
        }
    }
}
