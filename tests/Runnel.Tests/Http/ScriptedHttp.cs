using System.Collections.Concurrent;
using Runnel.AspNetCore;

namespace Runnel.Tests.Http;

/// <summary>What consumers are to do in a test, and what they have seen.</summary>
internal sealed class HttpScript
{
    private static readonly ConcurrentDictionary<string, HttpScript> All = new();

    public HttpScript() => All[Id] = this;

    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Answers the requests.</summary>
    public Func<HttpConsumerRequest, HttpConsumerResponse, CancellationToken, Task> Answer { get; set; } = static (_, _, _) => Task.CompletedTask;

    public static HttpScript Of(HttpConsumerRequest request) => All[request.Scope.RouteValue("script")!];
}

/// <summary>Does what the script of its path says.</summary>
internal sealed class ScriptedHttpConsumer : HttpConsumer
{
    public override Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken) =>
        HttpScript.Of(request).Answer(request, response, cancellationToken);
}
