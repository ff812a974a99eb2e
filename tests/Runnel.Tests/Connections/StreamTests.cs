using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Runnel.Testing;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Tests of streams that share a socket: <c>json</c>, which is in a group of its name, and <c>text</c>, which answers what it hears.</summary>
public abstract class StreamTests : ConsumerTests
{
    private protected Task<RunnelApp> StartAsync() => StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d.Stream<JsonStream>("json").Stream("text", Echo)));

    // Accepted is not yet connected: the streams connect one after another then.
    private protected static async Task<WebSocketCommunicator> ConnectAsync(RunnelApp app)
    {
        var client = await app.ConnectInMemoryAsync("/ws");
        await EchoAsync(client);
        return client;
    }

    private protected static void Echo(ConsumerBuilder consumer) => consumer.OnReceive((text, connection) => connection.SendAsync(text));

    private protected static async Task EchoAsync(WebSocketCommunicator client)
    {
        await client.SendTextAsync("""{"stream":"text","payload":"still here"}""");
        Assert.Equal("""{"stream":"text","payload":"still here"}""", await client.ReceiveTextAsync());
    }

    public sealed class JsonStream(Journal journal) : JsonWebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("json", cancellationToken);
        }

        public override async Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken)
        {
            switch (message.ValueKind == JsonValueKind.String ? message.GetString() : null)
            {
                case "fail":
                    throw new InvalidOperationException("as told");
                case "close twice":
                    await CloseAsync(4000, "first", cancellationToken);
                    await CloseAsync(4001, "second", cancellationToken);
                    break;
                default:
                    await SendJsonAsync(new { Got = message }, cancellationToken);
                    break;
            }
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"json end {code}");
            return Task.CompletedTask;
        }

        [Handles("tick")]
        public ValueTask OnTickAsync(int tick) => SendJsonAsync(new { Tick = tick });
    }
}
