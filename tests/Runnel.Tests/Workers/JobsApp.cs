using System.Net.WebSockets;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;

namespace Runnel.Tests.Workers;

/// <summary>An application with one tracked channel, on a real port; its clock stands still. The header <c>X-User</c> says who asks.</summary>
internal sealed class JobsApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private JobsApp(WebApplication app) => _app = app;

    public required ManualTimeProvider Clock { get; init; }

    public required HttpClient Http { get; init; }

    public IServiceProvider Services => _app.Services;

    public IJobs Jobs => Services.GetRequiredService<IJobs>();

    public static async Task<JobsApp> StartAsync(
        Func<Pay, JobContext, Task> handler, Action<JobsEndpointOptions>? jobs = null, Action<GatewayOptions>? gateway = null, string environment = "Production", Action<ChannelOptions>? channel = null, Action<IServiceCollection>? services = null,
        Action<IEndpointConventionBuilder>? endpoints = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var clock = new ManualTimeProvider();
        builder.Services.AddSingleton<TimeProvider>(clock);
        services?.Invoke(builder.Services);
        builder.Services.AddRunnel();
        builder.Services.Configure(gateway ?? (static _ => { }));
        var app = builder.Build();
        app.Use((context, next) =>
        {
            if (context.Request.Headers["X-User"].ToString() is { Length: > 0 } user)
                context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "test"));
            return next(context);
        });
        app.MapChannel("payments", handler, options =>
        {
            options.Track = true;
            options.Cancellable = true;
            options.Retry = new RetryPolicy { MaxAttempts = 1 };
            channel?.Invoke(options);
        });
        var mapped = app.MapJobs("/jobs", jobs);
        endpoints?.Invoke(mapped);
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        return new JobsApp(app) { Clock = clock, Http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(address), Timeout = Wait.Limit } };
    }

    public async Task<MessageId> SendAsync(SendOptions? options = null) =>
        (await Services.GetRequiredService<IChannels>().SendAsync("payments", new Pay("1"), options)).Id;

    public async Task<JobStatus> EndAsync(MessageId id) => await Wait.For(Jobs.WatchAsync(id).LastAsync().AsTask(), "the job's end");

    public async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async Task<ClientWebSocket> OpenSocketAsync(string path)
    {
        var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new UriBuilder(Http.BaseAddress!) { Scheme = "ws", Path = path }.Uri, CancellationToken.None), "the socket");
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Wait.For(_app.StopAsync(), "the server to stop");
        await _app.DisposeAsync();
    }
}
