using System.Net.WebSockets;

namespace Runnel.AspNetCore.Sockets;

/// <summary>An accepted WebSocket: where its messages come from, and where its frames go.</summary>
internal interface ISocketCarrier
{
    /// <summary>Since when nothing has come from the client although we read, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    long LastReadAt { get; set; }

    /// <summary>Since when one write, of up to 64 KiB, has waited for the client to take it; 0 while none waits.</summary>
    long StalledSince { get; }

    /// <summary>The close code that the reader sent by itself because the client broke the protocol; 0 while it did not.</summary>
    int ReaderClosedWith { get; }

    /// <summary>Whether the client has sent more than the endpoint takes; from then on <see cref="ReceiveAsync"/> fails.</summary>
    bool IsTooFast { get; }

    /// <summary>Reads a message, or a part of one.</summary>
    ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Reads what the client still sends, for nobody, until its close.</summary>
    /// <remarks>Closing a socket with unread data resets it, and the client would never see why it is closed.</remarks>
    Task DiscardRestAsync();

    /// <summary>The status that the client's close had, once it was received.</summary>
    WebSocketCloseStatus? CloseStatus { get; }

    /// <inheritdoc cref="IFrameWriter.WriteAsync"/>
    ValueTask WriteAsync(ReadOnlySpan<Frame> frames);
}
