using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Runnel.Cli.Sockets;

/// <summary>Sends a client's frames, one after the other. Whoever sends does not wait.</summary>
internal sealed class FrameSender(Stream stream)
{
    /// <summary>The most frames that wait for a server that does not read.</summary>
    public const int MostWaiting = 256;

    private readonly Lock _lock = new();
    private Queue<byte[]>? _waiting;
    private Task _sending = Task.CompletedTask;

    /// <summary>Sends a frame when those before it are out.</summary>
    /// <returns>False if too many wait already.</returns>
    public bool TrySend(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        var frame = Encode(opcode, payload, (uint)Random.Shared.Next());
        lock (_lock)
        {
            if (_sending.IsCompleted)
            {
                _sending = SendAsync(frame);
                return true;
            }
            _waiting ??= new Queue<byte[]>();
            if (_waiting.Count == MostWaiting)
                return false;
            _waiting.Enqueue(frame);
            return true;
        }
    }

    /// <summary>Waits until nothing is being sent. The stream's end ends it, too.</summary>
    public Task FinishAsync()
    {
        lock (_lock)
            return _sending;
    }

    private async Task SendAsync(byte[]? frame)
    {
        try
        {
            for (; frame is not null; frame = Next())
                await stream.WriteAsync(frame, CancellationToken.None); // disposing of the stream ends it
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // The connection is over. Its reader meets the same, and says so.
        }
    }

    private byte[]? Next()
    {
        lock (_lock)
        {
            if (_waiting is { Count: > 0 })
                return _waiting.Dequeue();
            _sending = Task.CompletedTask; // whoever comes now begins anew
            return null;
        }
    }

    // A client's frames are masked (RFC 6455, section 5.3).
    private static byte[] Encode(Opcode opcode, ReadOnlySpan<byte> payload, uint mask)
    {
        var head = payload.Length < 126 ? 2 : payload.Length <= ushort.MaxValue ? 4 : 10;
        var frame = new byte[head + 4 + payload.Length];
        frame[0] = (byte)(0x80 | (byte)opcode);
        frame[1] = (byte)(0x80 | (head == 2 ? payload.Length : head == 4 ? 126 : 127));
        if (head == 4)
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
        else if (head == 10)
            BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        Span<byte> key = stackalloc byte[4];
        MemoryMarshal.Write(key, mask);
        key.CopyTo(frame.AsSpan(head));
        var masked = frame.AsSpan(head + 4);
        for (var i = 0; i < payload.Length; i++)
            masked[i] = (byte)(payload[i] ^ key[i & 3]);
        return frame;
    }
}
