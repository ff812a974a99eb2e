using System.Buffers;
using System.Net.WebSockets;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore.Sockets;

/// <summary>Reads one socket's messages and hands them to the consumer, one after another, until the socket ends.</summary>
/// <remarks>Holds no buffer while nothing comes: it waits with an empty read and rents one when there is something.</remarks>
internal class WebSocketReceiver(WebSocketConnection connection, IConsumerSession? session, ConsumerEndpointOptions options)
{
    private const int FirstRent = 4096;
    private byte[] _buffer = [];

    protected WebSocketConnection Connection => connection;

    /// <summary>Reads until the end.</summary>
    /// <returns>The code with which the connection ended.</returns>
    public async Task<int> RunAsync()
    {
        try
        {
            // The wait for the next message stands here and not in a method of its own: an idle connection then waits in one task less.
            var carrier = connection.Carrier!;
            try
            {
                while (true)
                {
                    var first = await carrier.ReceiveAsync(Memory<byte>.Empty);
                    if (await TakeAsync(carrier, first) is { } ended)
                        return ended;
                }
            }
            catch (Exception) when (carrier.IsTooFast)
            {
                return await RefuseTooFastAsync();
            }
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The client broke the protocol (and was told), or broke off. Neither is a fault of ours.
            return connection.Carrier!.ReaderClosedWith is > 0 and var told ? told : EndedWith(CloseCode.Abnormal);
        }
        catch (Exception exception)
        {
            Log.ReceiveFailed(connection.Node.Logger, exception, connection);
            return CloseCode.InternalError;
        }
        finally
        {
            ReturnBuffer();
        }
    }

    // Takes in the rest of a message and has it handled; a code when it was the last.
    private async ValueTask<int?> TakeAsync(ISocketCarrier carrier, ValueWebSocketReceiveResult received)
    {
        var length = 0;
        while (!received.EndOfMessage && received.MessageType != WebSocketMessageType.Close)
        {
            if (!TryMakeRoom(length))
                return await RefuseTooBigAsync();
            received = await carrier.ReceiveAsync(_buffer.AsMemory(length));
            length += received.Count;
        }
        if (received.MessageType == WebSocketMessageType.Close)
            return await AnswerCloseAsync(carrier);
        if (length > options.MaxMessageBytes)
            return await RefuseTooBigAsync();

        if (connection.ClosedWith != 0)
        {
            await carrier.DiscardRestAsync(); // what the client sent before it saw our close is for nobody
            return connection.ClosedWith;
        }
        await HandleAsync(_buffer.AsMemory(0, length), isText: received.MessageType == WebSocketMessageType.Text);
        ReturnBuffer();
        return null;
    }

    private async Task HandleAsync(ReadOnlyMemory<byte> message, bool isText)
    {
        connection.IsHandling = true;
        await TakeAsync(message, isText);
        connection.Carrier!.LastReadAt = connection.Node.TimeProvider.GetTimestamp();
        connection.IsHandling = false;
    }

    /// <summary>Hands a message to the consumer, and waits until it is handled.</summary>
    protected virtual ValueTask TakeAsync(ReadOnlyMemory<byte> message, bool isText) => isText ? session!.ReceiveTextAsync(message) : session!.ReceiveBinaryAsync(message);

    private async Task<int> AnswerCloseAsync(ISocketCarrier carrier)
    {
        var code = (int?)carrier.CloseStatus ?? CloseCode.None;
        await connection.FinishAsync(Frame.Close(CloseCode.CanBeSent(code) ? code : CloseCode.Normal, null));
        return EndedWith(code);
    }

    private Task<int> RefuseTooFastAsync()
    {
        var (rate, burst) = (options.MaxMessagesPerSecond, options.MaxMessageBurst);
        if (connection.ClosedWith == 0)
        {
            GatewayMetrics.ConnectionWasCut("too-fast");
            Log.TooFast(connection.Node.Logger, connection, rate, burst);
        }
        return RefuseAsync(CloseCode.PolicyViolation, $"This endpoint takes {rate} messages per second, and {burst} at once.");
    }

    private async Task<int?> RefuseTooBigAsync()
    {
        if (connection.ClosedWith == 0)
        {
            GatewayMetrics.ConnectionWasCut("too-big");
            Log.TooBig(connection.Node.Logger, connection, options.MaxMessageBytes);
        }
        return await RefuseAsync(CloseCode.MessageTooBig, $"A message here has at most {options.MaxMessageBytes} bytes.");
    }

    // CloseTimeout bounds this, from outside.
    private async Task<int> RefuseAsync(int code, string reason)
    {
        await connection.CloseAsync(code, reason);
        await connection.Carrier!.DiscardRestAsync();
        return EndedWith(code);
    }

    private int EndedWith(int code) => connection.ClosedWith != 0 ? connection.ClosedWith : code;

    // One byte more than allowed is read, to see that it is there.
    private bool TryMakeRoom(int length)
    {
        if (length > options.MaxMessageBytes)
            return false;
        if (length < _buffer.Length)
            return true;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(length * 2L, FirstRent), options.MaxMessageBytes + 1L));
        _buffer.AsSpan(0, length).CopyTo(larger);
        ReturnBuffer();
        _buffer = larger;
        return true;
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
