using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Connections;

namespace Runnel.Tests.Http;

/// <summary>A gateway, and workers that answer its requests as scripts say; or one node that does both.</summary>
internal sealed class HttpNodes : IAsyncDisposable
{
    private readonly Func<IBackplane> _open;
    private readonly Action<IServiceCollection>? _inWorkers;
    private readonly List<RunnelApp> _workers = [];

    private HttpNodes(Func<IBackplane> open, RunnelApp gateway, Action<IServiceCollection>? inWorkers) => (_open, Gateway, _inWorkers) = (open, gateway, inWorkers);

    public RunnelApp Gateway { get; }

    public IReadOnlyList<RunnelApp> Workers => _workers;

    public HttpClient Client => Gateway.Server.CreateClient();

    /// <summary>Starts them.</summary>
    /// <param name="open">Opens the backplane of one more node.</param>
    /// <param name="workers">How many workers; <see langword="null"/>: the gateway answers itself.</param>
    /// <param name="inWorkers">Adds services of the workers.</param>
    public static async Task<HttpNodes> StartAsync(Func<IBackplane> open, int? workers, Action<IServiceCollection>? inWorkers = null)
    {
        var gateway = await RunnelApp.StartInMemoryAsync(Map, builder => builder.With(open()).Services.PostConfigure<HandoverOptions>(options => options.HandsOut = workers is not null));
        var nodes = new HttpNodes(open, gateway, inWorkers);
        for (var i = 0; i < workers; i++)
            await nodes.AddWorkerAsync();
        return nodes;
    }

    /// <summary>The link with a worker ends, as it does when that dies.</summary>
    public void Lose(RunnelApp worker) => Gateway.Services.GetRequiredService<NodeLinks>().Fail(worker.Node.Id, new InvalidOperationException("The test ends the link."));

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var worker in _workers)
            await worker.DisposeAsync();
    }

    private async Task AddWorkerAsync()
    {
        var worker = await RunnelApp.StartInMemoryAsync(Map, Configure);
        _workers.Add(worker);
        var table = Gateway.Services.GetRequiredService<WorkerTable>();
        await Wait.Until(() => table.Knows(worker.Node.Id), "the gateway knows the worker");

        void Configure(WebApplicationBuilder builder)
        {
            builder.With(_open());
            _inWorkers?.Invoke(builder.Services);
        }
    }

    private static void Map(WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "ann")], "test"));
            await next(context);
        });
        app.MapHttpConsumer<ScriptedHttpConsumer>("/scripted/{script}");
        app.MapHttpConsumer<ScriptedHttpConsumer>("/impatient/{script}", options => options.Timeout = TimeSpan.FromMilliseconds(50));
    }
}
