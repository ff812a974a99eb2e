using Runnel.AspNetCore.Handover;

namespace Runnel.AspNetCore.Http;

/// <summary>Answers requests that gateways hand to this worker.</summary>
internal sealed class HttpConsumerWorker(MappedConsumers consumers, IScopeFormat scopes, NodeContext node, IServiceProvider services) : IExchangeHandler
{
    public async Task HandleAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange, CancellationToken cancellationToken)
    {
        if (consumers.Of(channel) is not MappedHttpConsumer mapped)
            throw new InvalidOperationException($"This application maps no HTTP consumer of '{channel}'. Deploy the same version to gateways and workers.");
        var (method, scope) = RequestHead.Read(head);
        var body = await ReadBodyAsync(exchange, cancellationToken);
        var json = node.Options.Json;
        var response = new HttpConsumerResponse(new ExchangeSink(exchange), json);
        if (!await mapped.Descriptor.AnswerAsync(services, node, new HttpConsumerRequest(method, scopes.Read(scope), body, json), response, cancellationToken))
            await exchange.DisposeAsync(); // so that the gateway cuts what has begun
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var body = await exchange.ReceiveAsync(cancellationToken) ?? default;
        if (await exchange.ReceiveAsync(cancellationToken) is not { } next)
            return body;
        var all = new MemoryStream();
        all.Write(body.Span);
        for (ReadOnlyMemory<byte>? chunk = next; chunk is { } more; chunk = await exchange.ReceiveAsync(cancellationToken))
            all.Write(more.Span);
        return all.GetBuffer().AsMemory(0, (int)all.Length);
    }
}
