using System.Buffers;
using System.Net.WebSockets;
using System.Text;

namespace Runnel.Cli.Sockets;

/// <summary>A WebSocket that takes and hands over whole messages. While it waits for one it holds no buffer.</summary>
internal sealed class MessageSocket(WebSocket socket) : IDisposable
{
    /// <summary>The most messages that wait for a server that does not read.</summary>
    public const int MostWaiting = 256;

    /// <summary>The longest message, in bytes.</summary>
    public const int LongestMessage = 16 * 1024 * 1024;

    private const int BufferSize = 16 * 1024;

    private readonly Lock _lock = new();
    private Queue<Func<Task>>? _waiting;
    private Task _sending = Task.CompletedTask;

    /// <summary>What gets the messages. The memory is valid during the call.</summary>
    public delegate void Taker(ReadOnlySpan<byte> message);

    /// <summary>Sends text when what was sent before is out. Whoever sends does not wait.</summary>
    /// <returns>False if too many messages wait already.</returns>
    public bool TrySend(string text)
    {
        var message = Encoding.UTF8.GetBytes(text);
        return TryAct(() => socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None));
    }

    /// <summary>Says that it closes the connection, when what was sent before is out.</summary>
    public void Close(WebSocketCloseStatus code) => TryAct(() => socket.CloseOutputAsync(code, statusDescription: null, CancellationToken.None));

    /// <summary>Hands over what comes, until the connection ends. Disposing ends it, too.</summary>
    /// <returns>How it ended.</returns>
    public async Task<FaultException> ReadAsync(Taker take)
    {
        try
        {
            while (await IsMessageAsync(take))
            {
            }
            return TakeClose((int)socket.CloseStatus!, socket.CloseStatusDescription);
        }
        catch (FaultException fault)
        {
            Close(fault.Kind == FaultKind.Protocol ? WebSocketCloseStatus.ProtocolError : WebSocketCloseStatus.NormalClosure);
            return fault;
        }
        catch (WebSocketException exception)
        {
            return exception.WebSocketErrorCode == WebSocketError.Faulted
                ? FaultException.Protocol($"The server broke the WebSocket protocol: {exception.Message}") // the socket has told it
                : FaultException.BrokenOff(exception.InnerException?.Message ?? "the server hung up without a close frame.");
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return FaultException.BrokenOff(exception.Message);
        }
    }

    /// <summary>Waits until nothing is being sent. Disposing ends it, too.</summary>
    public Task FinishAsync()
    {
        lock (_lock)
            return _sending;
    }

    public void Dispose() => socket.Dispose();

    // Returns false once the server has closed.
    private async ValueTask<bool> IsMessageAsync(Taker take)
    {
        var head = await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None); // waits without a buffer
        if (head.MessageType == WebSocketMessageType.Close)
            return false;
        var (buffer, length) = (ArrayPool<byte>.Shared.Rent(BufferSize), 0);
        try
        {
            for (var isWhole = head.EndOfMessage; !isWhole;)
            {
                if (length == LongestMessage)
                    throw FaultException.Protocol($"The server sent a message of more than {LongestMessage / 1024 / 1024} MiB.");
                if (length == buffer.Length)
                    Grow(ref buffer);
                var piece = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                if (piece.MessageType == WebSocketMessageType.Close)
                    return false;
                (length, isWhole) = (length + piece.Count, piece.EndOfMessage);
            }
            take(buffer.AsSpan(0, length));
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Grow(ref byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }

    private FaultException TakeClose(int code, string? reason)
    {
        Close((WebSocketCloseStatus)code);
        return new FaultException(FaultKind.Closed, $"{code}", $"The server closed the connection with {code}{(reason is { Length: > 0 } ? $": {reason}" : ".")}");
    }

    private bool TryAct(Func<Task> act)
    {
        lock (_lock)
        {
            if (_sending.IsCompleted)
            {
                _sending = ActAsync(act);
                return true;
            }
            _waiting ??= new Queue<Func<Task>>();
            if (_waiting.Count == MostWaiting)
                return false;
            _waiting.Enqueue(act);
            return true;
        }
    }

    private async Task ActAsync(Func<Task>? act)
    {
        try
        {
            for (; act is not null; act = Next())
                await act();
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is over. Whoever reads it meets the same, and says so.
        }
    }

    private Func<Task>? Next()
    {
        lock (_lock)
        {
            if (_waiting is { Count: > 0 })
                return _waiting.Dequeue();
            _sending = Task.CompletedTask; // whoever comes now begins anew
            return null;
        }
    }
}
