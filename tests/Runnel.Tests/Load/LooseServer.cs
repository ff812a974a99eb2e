using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Cli.Load;

namespace Runnel.Tests.Load;

/// <summary>A WebSocket server that sends what is published, or what a socket says, as its test wants it: less, more, or in another order.</summary>
internal sealed partial class LooseServer : IMessagePublisher, IAsyncDisposable
{
    private readonly ConcurrentDictionary<int, WebSocket> _sockets = new();
    private readonly WebApplication _app;
    private int _handshakes;

    private LooseServer(WebApplication app) => _app = app;

    /// <summary>Of a message to a socket, what goes to the socket. Both count from 1; probes are message 0.</summary>
    public Func<int, int, string, IEnumerable<string>> Pass { get; set; } = static (_, _, message) => [message];

    /// <summary>Answers a handshake in its own way, if it returns true. Handshakes count from 1.</summary>
    public Func<int, HttpContext, Task<bool>> Greet { get; set; } = static (_, _) => Task.FromResult(false);

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<LooseServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.Zero);
        var server = new LooseServer(builder.Build());
        server._app.UseWebSockets();
        server._app.Map("/ws", server.ServeAsync);
        server._app.MapPost("/publish", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            await server.PublishAsync(await reader.ReadToEndAsync(), CancellationToken.None);
        });
        await server._app.StartAsync();
        return server;
    }

    public async Task PublishAsync(string body, CancellationToken cancellationToken)
    {
        foreach (var socket in _sockets.Keys.Order())
            await SendAsync(socket, body);
    }

    /// <summary>Closes a socket with a code of its own.</summary>
    public Task CloseAsync(int socket, int code) => _sockets[socket].CloseOutputAsync((WebSocketCloseStatus)code, "the test wants it", CancellationToken.None);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var number = Interlocked.Increment(ref _handshakes);
        if (await Greet(number, context))
            return;
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        _sockets[number] = socket;
        try
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } read)
                await SendAsync(number, Encoding.UTF8.GetString(buffer, 0, read.Count));
            if (socket.State == WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client is gone.
        }
        _sockets.TryRemove(number, out _);
    }

    private async Task SendAsync(int socket, string body)
    {
        var number = int.Parse(NumberInMark().Match(body).Groups[1].Value, CultureInfo.InvariantCulture);
        foreach (var message in Pass(socket, number, body))
            await _sockets[socket].SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
    }

    [GeneratedRegex(@"rl[0-9a-f]{8}-\d+-(\d+)x")]
    private static partial Regex NumberInMark();
}
