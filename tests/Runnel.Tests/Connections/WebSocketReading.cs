using System.Net.WebSockets;
using System.Text;
using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>Short words for a client's socket.</summary>
internal static class WebSocketReading
{
    public static Task SendTextAsync(this WebSocket socket, string text) => Wait.For(
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None), "the server to take a message");

    public static async Task<string> ReceiveTextAsync(this WebSocket socket)
    {
        var (type, content) = await ReceiveAsync(socket);
        if (type != WebSocketMessageType.Text)
            throw new InvalidOperationException($"Expected text, but {type} came: {socket.CloseStatus} {socket.CloseStatusDescription}");
        return Encoding.UTF8.GetString(content);
    }

    /// <summary>Skips what comes before the close.</summary>
    /// <returns>The close's code.</returns>
    public static async Task<int> ReceiveToCloseAsync(this WebSocket socket)
    {
        while ((await ReceiveAsync(socket)).Type != WebSocketMessageType.Close)
        {
            // goes on
        }
        return (int?)socket.CloseStatus ?? CloseCode.None;
    }

    /// <summary>Skips what comes before the close, and answers it, as clients do: a server that stops waits for the answer.</summary>
    /// <returns>The close's code.</returns>
    public static async Task<int> ReceiveAndAnswerCloseAsync(this WebSocket socket)
    {
        var code = await socket.ReceiveToCloseAsync();
        await socket.AnswerCloseAsync();
        return code;
    }

    /// <summary>Answers a close that was received.</summary>
    public static async Task AnswerCloseAsync(this WebSocket socket)
    {
        try
        {
            if (socket.State == WebSocketState.CloseReceived)
                await Wait.For(socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None), "the server to take the answer to its close");
        }
        catch (WebSocketException)
        {
            // The server has gone meanwhile.
        }
    }

    public static async Task<(WebSocketMessageType Type, byte[] Content)> ReceiveAsync(this WebSocket socket)
    {
        var content = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await Wait.For(socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask(), "a message from the server");
            content.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage && received.MessageType != WebSocketMessageType.Close);
        return (received.MessageType, content.ToArray());
    }
}
