using Microsoft.Extensions.DependencyInjection;
using Runnel.InMemory;
using Runnel.Tests.Links;

namespace Runnel.Tests.Http;

/// <summary>Tests of requests that are answered as the test's script says.</summary>
public abstract class ScriptedHttpTests : IAsyncDisposable
{
    private readonly InMemoryBackplane _shared = new(TimeProvider.System);
    private HttpNodes? _nodes;

    private protected HttpScript Script { get; } = new();

    /// <summary>Where the script answers.</summary>
    private protected string Path => $"/scripted/{Script.Id}";

    public async ValueTask DisposeAsync()
    {
        if (_nodes is not null)
            await _nodes.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async Task<HttpNodes> StartAsync(int? workers, Action<IServiceCollection>? inWorkers = null) =>
        _nodes = await HttpNodes.StartAsync(() => new LinkWire(_shared), workers, inWorkers);

    private protected static Task ForEver(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
