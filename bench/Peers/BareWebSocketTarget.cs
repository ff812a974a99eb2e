using System.Collections.Immutable;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>What one writes without a library: the accepted sockets in a list, and a loop of <c>await socket.SendAsync</c>.</summary>
internal sealed class BareWebSocketTarget : IFanoutTarget
{
    private ImmutableList<WebSocket> _sockets = [];

    public void AddServices(IServiceCollection services)
    {
    }

    public void Map(WebApplication app)
    {
        var members = app.Services.GetRequiredService<Membership>();
        app.UseWebSockets();
        app.Map(FanoutTargets.PathOf(FanoutTargets.Bare), async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            ImmutableInterlocked.Update(ref _sockets, (list, added) => list.Add(added), socket);
            members.Join();
            await UntilClosedAsync(socket, context.RequestAborted);
            ImmutableInterlocked.Update(ref _sockets, (list, removed) => list.Remove(removed), socket);
            members.Leave();
        });
    }

    public Task PublishAsync(string message) => SendAsync(Encoding.UTF8.GetBytes(message));

    public async Task SendAsync(ReadOnlyMemory<byte> message)
    {
        foreach (var socket in _sockets)
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
    }

    private static async Task UntilClosedAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            // Clients send nothing, so no buffer is held for what they might: the leanest a plain handler can be.
            while ((await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The generator closes its sockets without a closing handshake.
        }
    }
}
