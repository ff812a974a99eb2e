using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;

namespace Runnel.AspNetCore.Sockets;

/// <summary>A WebSocket that the server accepted in its own way, as the test host does: frames go through it one by one.</summary>
internal sealed class ManagedSocket(WebSocket socket, InboundRate rate, TimeProvider timeProvider) : ISocketCarrier
{
    private InboundRate _rate = rate;

    // Such a server watches over its sockets itself, and shows us no reads.
    public long LastReadAt
    {
        get => timeProvider.GetTimestamp();
        set { }
    }

    public long StalledSince { get; private set; }

    public int ReaderClosedWith => 0;

    public bool IsTooFast { get; private set; }

    public WebSocketCloseStatus? CloseStatus => socket.CloseStatus;

    // Control frames stay with the server, so messages are what can be counted.
    public async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
        IsTooFast |= received.EndOfMessage && received.MessageType != WebSocketMessageType.Close && !_rate.TryTake(1);
        return IsTooFast ? throw new IOException("The client sends more than the endpoint takes.") : received;
    }

    public async Task DiscardRestAsync()
    {
        var buffer = new byte[4096];
        ValueWebSocketReceiveResult received;
        do
            received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
        while (received.MessageType != WebSocketMessageType.Close);
    }

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames) => WriteAsync(frames.ToArray());

    private async ValueTask WriteAsync(Frame[] frames)
    {
        foreach (var frame in frames)
        {
            StalledSince = timeProvider.GetTimestamp();
            await WriteAsync(frame);
        }
        StalledSince = 0;
    }

    private Task WriteAsync(Frame frame) => frame.Kind switch
    {
        FrameKind.Text => SendAsync(frame, WebSocketMessageType.Text),
        FrameKind.Binary => SendAsync(frame, WebSocketMessageType.Binary),
        FrameKind.Close => socket.CloseOutputAsync(
            (WebSocketCloseStatus)BinaryPrimitives.ReadUInt16BigEndian(frame.Payload.Span), Encoding.UTF8.GetString(frame.Payload.Span[2..]), CancellationToken.None),
        _ => Task.CompletedTask, // it pings and answers pings itself
    };

    private Task SendAsync(Frame frame, WebSocketMessageType type) =>
        socket.SendAsync(frame.Payload, type, WebSocketMessageFlags.EndOfMessage, CancellationToken.None).AsTask();
}
