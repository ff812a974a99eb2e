namespace Runnel.AspNetCore;

/// <summary>Answers HTTP requests, in this process or in a worker. Derive from it, and map it with <c>MapHttpConsumer</c>.</summary>
/// <remarks>
/// <para>
/// Each request gets an instance of its own from dependency injection. On a node that leaves its consumers to workers (<c>runserver --noworker</c>) a worker answers, which is chosen by the channel
/// <c>http.request.NAME</c>, with the name of the endpoint. The client notices nothing of it.
/// </para>
/// <para>
/// An exception is a 500, or cuts the response if that has begun. If the worker dies before the response has begun, another one gets the request if its method is safe (GET, HEAD, OPTIONS);
/// otherwise the client gets a 502, because the request may have been carried out.
/// </para>
/// <example>
/// <code>
/// public sealed class ReportConsumer(IReports reports) : HttpConsumer
/// {
///     public override async Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken)
///     {
///         response.Headers.ContentType = "text/csv";
///         await foreach (var line in reports.LinesAsync(request.Scope.RouteValue("id")!, cancellationToken))
///             await response.WriteAsync(line, cancellationToken);
///     }
/// }
///
/// app.MapHttpConsumer&lt;ReportConsumer&gt;("/reports/{id}");
/// </code>
/// </example>
/// </remarks>
public abstract class HttpConsumer
{
    /// <summary>Answers a request. When it returns, the response is complete.</summary>
    /// <param name="request">What the client asks.</param>
    /// <param name="response">What it gets. Nothing is sent before the first write, or the return.</param>
    /// <param name="cancellationToken">Cancelled when the client is gone, or has waited for too long.</param>
    public abstract Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken);
}
