using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Testing;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Connections;

/// <summary>An application under test, on Kestrel at a free port or on the in-memory server, with its log and its clients.</summary>
internal sealed class RunnelApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly WorkerHere? _worker;
    private readonly List<IDisposable> _clients = [];
    private bool _isStopped;

    private RunnelApp(WebApplication app, RecordedLog logs, WorkerHere? worker)
    {
        (_app, _worker) = (app, worker);
        Logs = logs;
    }

    /// <summary>What the application and its worker have logged.</summary>
    public RecordedLog Logs { get; }

    public IServiceProvider Services => _app.Services;

    public RunnelNode Node => Services.GetRequiredService<RunnelNode>();

    public GroupRegistry Registry => Services.GetRequiredService<GroupRegistry>();

    public IGroups Groups => Services.GetRequiredService<IGroups>();

    public Journal Journal => Services.GetRequiredService<Journal>();

    public ConnectionLimits Limits => Services.GetRequiredService<ConnectionLimits>();

    public TestServer Server => _app.GetTestServer();

    public Uri Address => new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts on Kestrel.</summary>
    /// <param name="map">Maps the consumers.</param>
    /// <param name="configure">Adds services; of a gateway and of its worker, if there are two.</param>
    /// <param name="listen">How Kestrel listens.</param>
    /// <param name="inAWorker">Whether the consumers work in a worker beside it.</param>
    public static Task<RunnelApp> StartAsync(
        Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null, Action<ListenOptions>? listen = null, bool inAWorker = false) =>
        StartAsync(map, configure, builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen ?? (static _ => { }))), inAWorker);

    /// <summary>Starts on the in-memory server.</summary>
    /// <inheritdoc cref="StartAsync(Action{WebApplication}, Action{WebApplicationBuilder}?, Action{ListenOptions}?, bool)"/>
    public static Task<RunnelApp> StartInMemoryAsync(Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null, bool inAWorker = false) =>
        StartAsync(map, configure, static builder => builder.WebHost.UseTestServer(), inAWorker);

    /// <summary>A client of the in-memory server.</summary>
    public WebSocketCommunicator Communicator(string path) => new(Server, path) { Timeout = Wait.Limit };

    /// <summary>A connected client of the in-memory server.</summary>
    public async Task<WebSocketCommunicator> ConnectInMemoryAsync(string path)
    {
        var client = Communicator(path);
        if (!await client.ConnectAsync())
            throw new InvalidOperationException($"{path} refused the connection with {client.RefusedWith}.");
        return client;
    }

    /// <summary>A connected client over a real socket.</summary>
    public async Task<ClientWebSocket> ConnectAsync(
        string path, Action<ClientWebSocketOptions>? configure = null, RemoteCertificateValidationCallback? trust = null)
    {
        var client = new ClientWebSocket();
        client.Options.KeepAliveInterval = TimeSpan.Zero;
        configure?.Invoke(client.Options);
        Keep(client);
        await Wait.For(
            client.ConnectAsync(WebSocketAddress(path), Keep(new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = trust } })), CancellationToken.None),
            $"the handshake at {path}");
        return client;
    }

    /// <summary>A client that speaks bytes, on a connection with a handshake done.</summary>
    public async Task<RawClient> ConnectRawAsync(string path)
    {
        var client = await DialAsync();
        await client.HandshakeAsync(path);
        return client;
    }

    /// <summary>A client that speaks bytes over HTTP/2, with a handshake done.</summary>
    public async Task<RawClient> ConnectRawOverHttp2Async(string path) =>
        Keep(await RawClient.ConnectOverHttp2Async(Keep(new HttpMessageInvoker(new SocketsHttpHandler())), new Uri(Address, path)));

    /// <summary>A client that speaks bytes, on a fresh connection.</summary>
    public async Task<RawClient> DialAsync() => Keep(await RawClient.DialAsync(Address));

    public Uri WebSocketAddress(string path) => new(new UriBuilder(Address) { Scheme = Address.Scheme == "https" ? "wss" : "ws" }.Uri, path);

    /// <summary>Waits until so many connections are in a group, and the node hears it.</summary>
    /// <remarks>A member counts before the node has subscribed, and what is sent in between is nobody's. Joining again returns when it has.</remarks>
    public async Task JoinedAsync(GroupName group, int count = 1)
    {
        await Wait.Until(() => Registry.CountOf(group) == count, $"{count} to join '{group}'");
        foreach (var connection in Node.Connections)
            await Wait.For(Groups.AddAsync(group, connection.ChannelName).AsTask(), $"the node to hear '{group}'");
    }

    /// <summary>Cuts all clients of real sockets. With several nodes, do that to all of them before the first one stops: its worker may have connections of the others, and waits for their clients.</summary>
    public void CutClients()
    {
        foreach (var client in _clients.ToArray())
            client.Dispose();
    }

    public async Task StopAsync()
    {
        if (!Interlocked.Exchange(ref _isStopped, true))
            await Wait.For(_app.StopAsync(), "the application to stop");
    }

    public async ValueTask DisposeAsync()
    {
        // Each whatever becomes of the others: what lives on would spoil the tests after this one.
        await using var app = _app;
        await using var worker = _worker;
        CutClients();
        if (worker is not null)
            await StopAsync(); // a worker that ends waits for its gateways, until they say goodbye or their lease ends
    }

    private static async Task<RunnelApp> StartAsync(
        Action<WebApplication> map, Action<WebApplicationBuilder>? configure, Action<WebApplicationBuilder> useServer, bool inAWorker)
    {
        var (logs, journal) = (new RecordedLog(), new Journal());
        var shared = inAWorker ? new SharedBackplane(new InMemoryBackplane(TimeProvider.System)) : null;
        var worker = inAWorker ? await WorkerHere.StartAsync(Build()) : null;
        var app = Build(builder => builder.Services.Configure<HandoverOptions>(handover => handover.HandsOut = inAWorker));
        await app.StartAsync();
        return new RunnelApp(app, logs, worker);

        WebApplication Build(Action<WebApplicationBuilder>? handOut = null)
        {
            var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
            builder.Logging.ClearProviders().AddProvider(logs).AddFilter<RecordedLog>(null, LogLevel.Debug);
            builder.Services.AddRunnel();
            builder.Services.AddSingleton(journal);
            builder.Services.AddScoped<ScopedThing>();
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
            useServer(builder);
            if (shared is not null)
            {
                // These times pass although a busy machine stands still: no worker is taken for dead, or for too slow, as long as a test waits for it.
                builder.With(shared).With(static (RunnelOptions options) => options.NodeLease = TimeSpan.FromMinutes(10));
                builder.Services.Configure<HandoverOptions>(static handover => handover.HandshakeTimeout = TimeSpan.FromMinutes(10));
            }
            configure?.Invoke(builder);
            handOut?.Invoke(builder);
            var app = builder.Build();
            map(app);
            return app;
        }
    }

    private T Keep<T>(T client)
        where T : IDisposable
    {
        lock (_clients)
            _clients.Add(client);
        return client;
    }
}

/// <summary>A builder for a clock and a layer of the test's own.</summary>
internal static class RunnelAppBuilding
{
    public static WebApplicationBuilder With(this WebApplicationBuilder builder, TimeProvider clock)
    {
        builder.Services.AddSingleton(clock);
        return builder;
    }

    public static WebApplicationBuilder With(this WebApplicationBuilder builder, IBackplane backplane)
    {
        builder.Services.AddSingleton(backplane);
        return builder;
    }

    public static WebApplicationBuilder With(this WebApplicationBuilder builder, Action<RunnelOptions> configure)
    {
        builder.Services.Configure(configure);
        return builder;
    }

    public static WebApplicationBuilder With(this WebApplicationBuilder builder, Action<GatewayOptions> configure)
    {
        builder.Services.Configure(configure);
        return builder;
    }
}
