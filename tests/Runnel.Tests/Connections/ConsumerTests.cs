using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Runnel.Tests.Connections;

/// <summary>Tests of consumers, which hold wherever the consumers work: beside the sockets, or in a worker.</summary>
public abstract class ConsumerTests
{
    private protected abstract bool InAWorker { get; }

    /// <summary>Starts on Kestrel.</summary>
    private protected Task<RunnelApp> StartAsync(Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null, Action<ListenOptions>? listen = null) =>
        RunnelApp.StartAsync(map, configure, listen, InAWorker);

    /// <summary>Starts on the in-memory server.</summary>
    private protected Task<RunnelApp> StartInMemoryAsync(Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null) =>
        RunnelApp.StartInMemoryAsync(map, configure, InAWorker);
}
