using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.WebSockets;

namespace Runnel.AspNetCore.Sockets;

/// <summary>A WebSocket on the server's own connection: the framework's reader, and our frames written as they are (ADR 2).</summary>
/// <remarks>
/// The framework's <see cref="WebSocket"/> would encode each message for each client and flush it alone. So it only reads here. What it writes by
/// itself, pongs and the close of a broken protocol, comes back through this stream and joins the queue of all other frames.
/// </remarks>
internal sealed class UpgradedSocket : Stream, ISocketCarrier
{
    // More is written only when the client has taken what was written before: what waits stays in frames, which a group's members share.
    private const int Portion = 32 * 1024;

    // What a client that is being closed goes on sending is read no faster than this much in each pause: TCP holds it back, and it costs little.
    private const int DiscardedAtOnce = 1024 * 1024;
    private static readonly TimeSpan DiscardPause = TimeSpan.FromMilliseconds(50);

    private readonly Stream _transport;
    private readonly PipeWriter? _output;
    private readonly WebSocketConnection _connection;
    private readonly WebSocket _reader;
    private FrameCounter _frames;
    private InboundRate _rate;
    private long _stalledSince;

    /// <param name="transport">The upgraded stream.</param>
    /// <param name="output">The connection's own output, where there is one under an HTTP/1.1 request.</param>
    /// <param name="connection">Where what the reader writes goes.</param>
    /// <param name="rate">How much the client may send.</param>
    /// <param name="subprotocol">The subprotocol chosen.</param>
    public UpgradedSocket(Stream transport, PipeWriter? output, WebSocketConnection connection, InboundRate rate, string? subprotocol)
    {
        _transport = transport;
        _output = output;
        _connection = connection;
        _rate = rate;
        LastReadAt = connection.Node.TimeProvider.GetTimestamp();
        _reader = WebSocket.CreateFromStream(this, new WebSocketCreationOptions { IsServer = true, SubProtocol = subprotocol, KeepAliveInterval = TimeSpan.Zero });
    }

    public long LastReadAt { get; set; }

    public long StalledSince => Volatile.Read(ref _stalledSince);

    public int ReaderClosedWith { get; private set; }

    public bool IsTooFast { get; private set; }

    public WebSocketCloseStatus? CloseStatus => _reader.CloseStatus;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer) => _reader.ReceiveAsync(buffer, CancellationToken.None);

    // The bytes as they come: taking apart frames that nobody handles would cost as much as what the client is closed for.
    public async Task DiscardRestAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Portion);
        try
        {
            for (var discarded = 0; !_frames.HasSeenClose;)
            {
                var length = await _transport.ReadAsync(buffer.AsMemory());
                if (length == 0)
                    return;
                _frames.Take(buffer.AsSpan(0, length));
                discarded += length;
                if (discarded < DiscardedAtOnce)
                    continue;
                discarded = 0;
                await Task.Delay(DiscardPause, _connection.Node.TimeProvider);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames)
    {
        if (_output is null)
            return WriteToStreamAsync(frames.ToArray());
        var room = Portion;
        for (var i = 0; i < frames.Length; i++)
        {
            if (frames[i].Length > room)
                return WriteInPortionsAsync(_output, frames[i..].ToArray(), room);
            _output.Write(frames[i].Wire.Span);
            room -= frames[i].Length;
        }
        var flush = _output.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            return FlushLaterAsync(flush);
        ThrowIfGone(flush.Result);
        return ValueTask.CompletedTask;
    }

    // The reader asks again as soon as it has dealt with what came: to note the time then, and not afterwards, spares each idle connection a task.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsTooFast) // known only now, so that all that came before was handled
            return ValueTask.FromException<int>(new IOException("The client sends more than the endpoint takes."));
        LastReadAt = _connection.Node.TimeProvider.GetTimestamp();
        var read = _transport.ReadAsync(buffer, cancellationToken);
        if (buffer.IsEmpty) // an idle connection waits here, and nothing is taken
            return read;
        return read.IsCompletedSuccessfully ? new(Count(buffer, read.Result)) : CountLaterAsync(buffer, read);
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

    private async ValueTask<int> CountLaterAsync(ReadOnlyMemory<byte> buffer, ValueTask<int> read) => Count(buffer, await read);

    private int Count(ReadOnlyMemory<byte> buffer, int length)
    {
        var frames = _frames.Take(buffer.Span[..length]);
        if (frames > 0)
            IsTooFast |= !_rate.TryTake(frames);
        return length;
    }

    private async ValueTask WriteInPortionsAsync(PipeWriter output, Frame[] frames, int room)
    {
        foreach (var frame in frames)
        {
            for (var rest = frame.Wire; !rest.IsEmpty;)
            {
                if (room == 0)
                {
                    await FlushLaterAsync(output.FlushAsync());
                    room = Portion;
                }
                var part = rest[..Math.Min(room, rest.Length)];
                output.Write(part.Span);
                rest = rest[part.Length..];
                room -= part.Length;
            }
        }
        await FlushLaterAsync(output.FlushAsync());
    }

    private async ValueTask FlushLaterAsync(ValueTask<FlushResult> flush)
    {
        Volatile.Write(ref _stalledSince, _connection.Node.TimeProvider.GetTimestamp());
        var result = await flush;
        Volatile.Write(ref _stalledSince, 0);
        ThrowIfGone(result);
    }

    private static void ThrowIfGone(FlushResult result)
    {
        if (result.IsCompleted || result.IsCanceled)
            throw new IOException("The client is gone.");
    }

    // Over HTTP/2 the connection is shared, so frames go into the request's own stream, as many in one piece as a portion holds.
    private async ValueTask WriteToStreamAsync(Frame[] frames)
    {
        var portion = ArrayPool<byte>.Shared.Rent((int)Math.Min(Portion, frames.Sum(frame => (long)frame.Length)));
        var used = 0;
        try
        {
            foreach (var frame in frames)
            {
                for (var rest = frame.Wire; !rest.IsEmpty;)
                {
                    if (used == portion.Length)
                    {
                        await WriteToStreamAsync(portion);
                        used = 0;
                    }
                    var part = rest[..Math.Min(portion.Length - used, rest.Length)];
                    part.CopyTo(portion.AsMemory(used));
                    rest = rest[part.Length..];
                    used += part.Length;
                }
            }
            await WriteToStreamAsync(portion.AsMemory(0, used));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(portion);
        }
    }

    private async ValueTask WriteToStreamAsync(ReadOnlyMemory<byte> bytes)
    {
        Volatile.Write(ref _stalledSince, _connection.Node.TimeProvider.GetTimestamp());
        await _transport.WriteAsync(bytes);
        await _transport.FlushAsync();
        Volatile.Write(ref _stalledSince, 0);
    }
}
