using Microsoft.AspNetCore.Http;

namespace Runnel.AspNetCore.Http;

/// <summary>Sends the response to the gateway that has the client.</summary>
internal sealed class ExchangeSink(Exchange exchange) : IResponseSink
{
    public ValueTask StartAsync(int statusCode, IHeaderDictionary headers, CancellationToken cancellationToken) => exchange.SendAsync(ResponseHead.Write(statusCode, headers), cancellationToken);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken) => exchange.SendAsync(chunk, cancellationToken);
}
