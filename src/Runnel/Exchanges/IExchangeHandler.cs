namespace Runnel;

/// <summary>Answers requests that gateways hand to this worker. A package that has something to answer registers one.</summary>
public interface IExchangeHandler
{
    /// <summary>Answers a request. When it returns, the response is complete; when it throws, the gateway learns that this side gave up.</summary>
    /// <param name="channel">The channel under which the request was handed out, <c>http.request.NAME</c>.</param>
    /// <param name="head">What the gateway said first.</param>
    /// <param name="exchange">Gives the rest of the request, and takes the response.</param>
    /// <param name="cancellationToken">Cancelled when the client or the gateway is gone, or this worker has waited long enough at its end.</param>
    Task HandleAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange, CancellationToken cancellationToken);
}
