using System.Collections.Concurrent;
using Runnel.Exchanges;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Hands requests to workers, and those of gateways to this node's <see cref="IExchangeHandler"/>. You get it from dependency injection.</summary>
public sealed class WorkerExchanges
{
    private readonly NodeContext _node;
    private readonly NodeLinks _links;
    private readonly WorkerTable _workers;
    private readonly IEnumerable<IExchangeHandler> _handlers;
    private readonly ConcurrentDictionary<long, Exchange> _asked = new();
    private readonly ConcurrentDictionary<string, int> _load = new();
    private readonly ConcurrentDictionary<(string NodeId, long Id), Exchange> _answered = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private long _lastId;

    internal WorkerExchanges(NodeContext node, NodeLinks links, WorkerTable workers, IEnumerable<IExchangeHandler> handlers)
    {
        (_node, _links, _workers, _handlers) = (node, links, workers, handlers);
        links.Register(LinkKind.Request, new Receiver(TakeRequest, LoseGateway));
        links.Register(LinkKind.Response, new Receiver(TakeResponse, LoseWorker));
    }

    /// <summary>How many requests this node is answering for gateways.</summary>
    public int Answering => _answered.Count;

    /// <summary>Hands a request to the worker that takes the channel and has the fewest of this node's requests.</summary>
    /// <param name="channel">The channel, <c>http.request.NAME</c>.</param>
    /// <param name="head">What the worker has to know first; it is copied.</param>
    /// <returns><see langword="null"/> if no worker takes the channel.</returns>
    public Exchange? Begin(ChannelName channel, ReadOnlyMemory<byte> head)
    {
        if (_workers.Pick(channel.Value, worker => _load.GetValueOrDefault(worker)) is not { } worker)
            return null;
        var exchange = new Exchange(_links, worker, Interlocked.Increment(ref _lastId), LinkKind.Request, EndAsked);
        _asked[exchange.Id] = exchange;
        _load.AddOrUpdate(worker, 1, static (_, count) => count + 1);
        _links.Send(worker, ExchangeItem.Begin(exchange.Id, channel.Value, head));
        if (!_workers.Knows(worker))
            exchange.Lose("The worker is gone."); // it may have gone just before the exchange was there to hear it
        return exchange;
    }

    /// <summary>Waits until the requests at hand are answered; those that take too long are given up.</summary>
    internal async Task EndAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_running.Keys).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var exchange in _answered.Values)
            exchange.Lose("This worker ends.");
    }

    private void EndAsked(Exchange exchange)
    {
        if (_asked.TryRemove(new(exchange.Id, exchange)))
            _load.AddOrUpdate(exchange.NodeId, 0, static (_, count) => count - 1);
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
        _load.TryRemove(nodeId, out _);
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
        var exchange = new Exchange(_links, nodeId, id, LinkKind.Response, ended => _answered.TryRemove((ended.NodeId, ended.Id), out _));
        _answered[(nodeId, id)] = exchange;
        var (channel, head) = ExchangeItem.ReadBegin(content.ToArray());
        var running = Task.Run(() => AnswerAsync(channel, head, exchange));
        _running[running] = true;
        running.ContinueWith((done, state) => ((ConcurrentDictionary<Task, bool>)state!).TryRemove(done, out _), _running, TaskScheduler.Default);
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
