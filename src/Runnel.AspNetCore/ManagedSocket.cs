using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;

namespace Runnel.AspNetCore;

/// <summary>A WebSocket that the server accepted in its own way (the test host, IIS): frames go through it one by one.</summary>
internal sealed class ManagedSocket(WebSocket socket, TimeProvider timeProvider) : ISocketCarrier
{
    public WebSocket Reader => socket;

    // Such a server watches over its sockets itself, and shows us no reads.
    public long LastReadAt
    {
        get => timeProvider.GetTimestamp();
        set { }
    }

    public int ReaderClosedWith => 0;

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames) => WriteAsync(frames.ToArray());

    private async ValueTask WriteAsync(Frame[] frames)
    {
        foreach (var frame in frames)
        {
            switch (frame.Kind)
            {
                case FrameKind.Text:
                    await socket.SendAsync(frame.Payload, WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage, CancellationToken.None);
                    break;
                case FrameKind.Binary:
                    await socket.SendAsync(frame.Payload, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, CancellationToken.None);
                    break;
                case FrameKind.Close:
                    await socket.CloseOutputAsync(
                        (WebSocketCloseStatus)BinaryPrimitives.ReadUInt16BigEndian(frame.Payload.Span), Encoding.UTF8.GetString(frame.Payload.Span[2..]), CancellationToken.None);
                    break;
                default:
                    break; // it pings and answers pings itself
            }
        }
    }
}
