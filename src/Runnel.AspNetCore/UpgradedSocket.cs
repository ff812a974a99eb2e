using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.WebSockets;

namespace Runnel.AspNetCore;

/// <summary>A WebSocket on the server's own connection: the framework's reader, and our frames written as they are (ADR 2).</summary>
/// <remarks>
/// The framework's <see cref="WebSocket"/> would encode each message for each client and flush it alone. So it only reads here. What it writes by
/// itself, pongs and the close of a broken protocol, comes back through this stream and joins the queue of all other frames.
/// </remarks>
internal sealed class UpgradedSocket : Stream, ISocketCarrier
{
    private readonly Stream _transport;
    private readonly PipeWriter? _output;
    private readonly WebSocketConnection _connection;

    /// <param name="transport">The upgraded stream.</param>
    /// <param name="output">The connection's own output, where there is one under an HTTP/1.1 request.</param>
    /// <param name="connection">Where what the reader writes goes.</param>
    /// <param name="subprotocol">The subprotocol chosen.</param>
    public UpgradedSocket(Stream transport, PipeWriter? output, WebSocketConnection connection, string? subprotocol)
    {
        _transport = transport;
        _output = output;
        _connection = connection;
        LastReadAt = connection.Node.TimeProvider.GetTimestamp();
        Reader = WebSocket.CreateFromStream(this, new WebSocketCreationOptions { IsServer = true, SubProtocol = subprotocol, KeepAliveInterval = TimeSpan.Zero });
    }

    public WebSocket Reader { get; }

    public long LastReadAt { get; set; }

    public int ReaderClosedWith { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames) => _output is not null ? WriteAsync(_output, frames) : WriteToStreamAsync(frames);

    // The reader asks again as soon as it has dealt with what came: to note the time then, and not afterwards, spares each idle connection a task.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        LastReadAt = _connection.Node.TimeProvider.GetTimestamp();
        return _transport.ReadAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>The reader writes one whole control frame at a time; an unmasked one of less than 126 bytes.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var kind = (FrameKind)(buffer.Span[0] & 0x0F);
        var payload = buffer.Span[2..];
        if (kind != FrameKind.Close)
            return _connection.Outbound.SendAsync(Frame.Of(kind, payload), cancellationToken);
        ReaderClosedWith = payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(payload) : CloseCode.ProtocolError;
        return new ValueTask(_connection.FinishAsync(Frame.Of(kind, payload)));
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static ValueTask WriteAsync(PipeWriter output, ReadOnlySpan<Frame> frames)
    {
        foreach (var frame in frames)
            output.Write(frame.Wire.Span);
        var flush = output.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            return FlushLaterAsync(flush);
        ThrowIfGone(flush.Result);
        return ValueTask.CompletedTask;
    }

    private static async ValueTask FlushLaterAsync(ValueTask<FlushResult> flush) => ThrowIfGone(await flush);

    private static void ThrowIfGone(FlushResult result)
    {
        if (result.IsCompleted || result.IsCanceled)
            throw new IOException("The client is gone.");
    }

    // Over HTTP/2 the connection is shared, so frames go into the request's own stream, in one piece.
    private async ValueTask WriteToStreamAsync(ReadOnlyMemory<Frame> frames, int length)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var at = 0;
            foreach (var frame in frames.Span)
            {
                frame.Wire.CopyTo(buffer.AsMemory(at));
                at += frame.Length;
            }
            await _transport.WriteAsync(buffer.AsMemory(0, at));
            await _transport.FlushAsync();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private ValueTask WriteToStreamAsync(ReadOnlySpan<Frame> frames)
    {
        var length = 0;
        foreach (var frame in frames)
            length += frame.Length;
        return WriteToStreamAsync(frames.ToArray(), length);
    }
}
