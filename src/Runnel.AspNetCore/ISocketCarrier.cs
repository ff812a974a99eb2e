using System.Net.WebSockets;

namespace Runnel.AspNetCore;

/// <summary>An accepted WebSocket: where its messages come from, and where its frames go.</summary>
internal interface ISocketCarrier
{
    /// <summary>Reads messages; nothing is sent through it.</summary>
    WebSocket Reader { get; }

    /// <summary>Since when nothing has come from the client although we read, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    long LastReadAt { get; set; }

    /// <summary>The close code that the reader sent by itself because the client broke the protocol; 0 while it did not.</summary>
    int ReaderClosedWith { get; }

    /// <inheritdoc cref="IFrameWriter.WriteAsync"/>
    ValueTask WriteAsync(ReadOnlySpan<Frame> frames);
}
