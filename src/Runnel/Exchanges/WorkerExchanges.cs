using System.Collections.Concurrent;
using Runnel.Exchanges;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Hands requests to workers, and those of gateways to this node's <see cref="IExchangeHandler"/>. You get it from dependency injection.</summary>
public sealed class WorkerExchanges
{
    // What is said last needs a moment.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly NodeContext _node;
    private readonly NodeLinks _links;
    private readonly WorkerTable _workers;
    private readonly IEnumerable<IExchangeHandler> _handlers;
    private readonly ConcurrentDictionary<long, Exchange> _asked = new();
    private readonly ConcurrentDictionary<string, int> _load = new();
    private readonly ConcurrentDictionary<(string NodeId, long Id), Exchange> _answered = new();
    private readonly TaskCompletionSource _emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _most;
    private long _lastId;
    private volatile bool _isEnding, _hasAnswered;

    internal WorkerExchanges(NodeContext node, NodeLinks links, WorkerTable workers, IEnumerable<IExchangeHandler> handlers, int most)
    {
        (_node, _links, _workers, _handlers, _most) = (node, links, workers, handlers, most);
        links.Register(LinkKind.Request, new Receiver(TakeRequest, LoseGateway));
        links.Register(LinkKind.Response, new Receiver(TakeResponse, LoseWorker));
    }

    /// <summary>How many requests this node is answering for gateways.</summary>
    public int Answering => _answered.Count;

    /// <summary>How many of this node's requests each worker has; none of those that have none.</summary>
    internal IReadOnlyDictionary<string, int> Load => _load;

    /// <summary>Hands a request to the worker that takes the channel and has the fewest of this node's requests.</summary>
    /// <param name="channel">The channel, <c>http.request.NAME</c>.</param>
    /// <param name="head">What the worker has to know first; it is copied.</param>
    /// <param name="except">The workers that have refused it (<see cref="Exchange.WasRefused"/>).</param>
    /// <returns><see langword="null"/> if no other worker takes the channel.</returns>
    public Exchange? Begin(ChannelName channel, ReadOnlyMemory<byte> head, IReadOnlySet<string>? except = null)
    {
        if (_workers.Pick(channel.Value, worker => except?.Contains(worker) == true ? WorkerTable.TooMuch : _load.GetValueOrDefault(worker), areConnections: false) is not { } worker)
            return null;
        var exchange = new Exchange(_links, worker, Interlocked.Increment(ref _lastId), LinkKind.Request, EndAsked);
        _asked[exchange.Id] = exchange;
        _load.AddOrUpdate(worker, 1, static (_, count) => count + 1);
        _links.Send(worker, ExchangeItem.Begin(exchange.Id, channel.Value, head));
        if (!_workers.Knows(worker))
            exchange.Lose("The worker is gone."); // it may have gone just before the exchange was there to hear it
        return exchange;
    }

    /// <summary>Takes no more requests, and waits until those at hand are answered; the ones that take too long are given up. The gateways have heard of either in the end.</summary>
    internal async Task EndAsync()
    {
        Interlocked.Exchange(ref _isEnding, true); // a mere write could come after the look that follows, and whoever ends the last request meanwhile would not see it
        SeeWhetherEmpty();
        var grace = _node.Options.ShutdownTimeout;
        if (!await HappensWithinAsync(_emptied.Task, grace))
        {
            Log.RequestsGivenUp(_node.Logger, _answered.Count, grace);
            foreach (var exchange in _answered.Values)
                exchange.GiveUp("This worker stops.");
            await HappensWithinAsync(_emptied.Task, Rest);
        }
        if (_hasAnswered && !await HappensWithinAsync(_links.FlushAllAsync(), Rest))
            Log.AnswersUnconfirmed(_node.Logger, Rest);
    }

    private async Task<bool> HappensWithinAsync(Task task, TimeSpan limit)
    {
        await task.WaitAsync(limit, _node.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return task.IsCompleted;
    }

    private void SeeWhetherEmpty()
    {
        if (_isEnding && _answered.IsEmpty)
            _emptied.TrySetResult();
    }

    private void EndAsked(Exchange exchange)
    {
        if (!_asked.TryRemove(new(exchange.Id, exchange)))
            return;
        _load.AddOrUpdate(exchange.NodeId, 0, static (_, count) => count - 1);
        _load.TryRemove(new(exchange.NodeId, 0)); // or a gateway would remember every worker that ever was
    }

    private void TakeResponse(string nodeId, ReadOnlyMemory<byte> body)
    {
        var (id, step, content) = ExchangeItem.Read(body);
        if (_asked.TryGetValue(id, out var exchange) && exchange.NodeId == nodeId)
            exchange.Take(step, content);
    }

    private void LoseWorker(string nodeId)
    {
        foreach (var exchange in _asked.Values.Where(exchange => exchange.NodeId == nodeId))
            exchange.Lose("The worker died, or its link was lost.");
    }

    private void TakeRequest(string nodeId, ReadOnlyMemory<byte> body)
    {
        var (id, step, content) = ExchangeItem.Read(body);
        if (step == ExchangeStep.Begin)
            Answer(nodeId, id, content);
        else if (_answered.TryGetValue((nodeId, id), out var exchange))
            exchange.Take(step, content);
    }

    private void Answer(string nodeId, long id, ReadOnlyMemory<byte> content)
    {
        var (channel, head) = ExchangeItem.ReadBegin(content.ToArray());
        var exchange = new Exchange(_links, nodeId, id, LinkKind.Response, EndAnswered);
        (_answered[(nodeId, id)], _hasAnswered) = (exchange, true);
        if (_isEnding || _answered.Count > _most)
        {
            _links.Send(nodeId, new ExchangeItem(LinkKind.Response, id, ExchangeStep.Refuse, default));
            EndAnswered(exchange);
            return;
        }
        _ = Task.Run(() => AnswerAsync(channel, head, exchange));
    }

    private void EndAnswered(Exchange exchange)
    {
        _answered.TryRemove(new((exchange.NodeId, exchange.Id), exchange));
        SeeWhetherEmpty();
    }

    private async Task AnswerAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange)
    {
        await using (exchange)
        {
            try
            {
                var handler = _handlers.FirstOrDefault() ?? throw new InvalidOperationException($"This node answers no requests, but a gateway has handed it one of '{channel}'.");
                await handler.HandleAsync(channel, head, exchange, exchange.Gone);
                exchange.Complete();
            }
            catch (Exception exception)
            {
                if (!exchange.Gone.IsCancellationRequested)
                    Log.ExchangeFailed(_node.Logger, exception, channel);
            }
        }
    }

    private void LoseGateway(string nodeId)
    {
        foreach (var exchange in _answered.Values.Where(exchange => exchange.NodeId == nodeId))
            exchange.Lose("The gateway died, or its link was lost.");
    }

    private sealed class Receiver(Action<string, ReadOnlyMemory<byte>> take, Action<string> lose) : ILinkReceiver
    {
        public void OnMessage(string nodeId, ReadOnlyMemory<byte> body) => take(nodeId, body);

        public void OnEnded(string nodeId) => lose(nodeId);
    }
}
