using Runnel.Tests.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedRabbitServer))]

namespace Runnel.Tests.Servers;

/// <summary>One RabbitMQ for all tests that leave it as it is, with TLS and without; it starts when the first of them asks for it.</summary>
/// <remarks>A test takes a virtual host, and disposes of it.</remarks>
public sealed class SharedRabbitServer : IAsyncDisposable
{
    private readonly Lazy<Task<RabbitServer>> _server = new(static () => RabbitServer.StartAsync(new RabbitServerOptions { Tls = true }));

    /// <summary>The server. Do not kill, pause or alarm it.</summary>
    public Task<RabbitServer> Server => _server.Value;

    /// <summary>Creates a virtual host, in which nobody else is.</summary>
    public async Task<RabbitVirtualHost> CreateHostAsync() => await (await Server).CreateHostAsync();

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated && !_server.Value.IsFaulted) // whoever asked for it has been told
            await (await Server).DisposeAsync();
    }
}
