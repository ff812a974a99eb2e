using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>One connection of a load test. While it waits for a message it holds no buffer and no thread.</summary>
internal sealed class LoadClient(int index, Conversation conversation, ClientContext context) : IFrameReceiver
{
    private const int BufferSize = 16 * 1024;
    private const int NormalClosure = 1000, ProtocolError = 1002, NoStatus = 1005;

    private volatile Stream? _stream;
    private FrameSender? _sender;
    private FaultException? _closed;
    private volatile ClientState _state;
    private volatile bool _isEnding;
    private long _now;

    public Conversation Conversation => conversation;

    /// <summary>Its number, for people.</summary>
    public int Number => index + 1;

    public ClientState State => _state;

    /// <summary>How often it was open.</summary>
    public int Openings { get; private set; }

    /// <summary>Whether it can be sure to get what is sent from now on.</summary>
    public bool IsReady => _state == ClientState.Open && conversation.IsReady;

    /// <summary>Lives until the connection has ended for good.</summary>
    /// <param name="due">When it should connect.</param>
    /// <param name="ending">Cancelled when the test is over: it does not connect any more.</param>
    public async Task RunAsync(long due, CancellationToken ending)
    {
        while (true)
        {
            _state = ClientState.Opening;
            var end = await LiveAsync(due, ending);
            if (_isEnding || ending.IsCancellationRequested)
                break;
            context.Faults.Add(end);
            if (conversation.ReturnAfter(end) is not { } wait)
                break;
            _state = ClientState.Away;
            await Task.Delay(wait, context.Clock, ending).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            due = context.Clock.GetTimestamp();
        }
        _state = ClientState.Gone;
    }

    /// <summary>Sends text when what it sent before is out.</summary>
    /// <returns>False if the connection is not open, or too much waits already.</returns>
    public bool TrySend(string text) => _state == ClientState.Open && _sender?.TrySend(Opcode.Text, Encoding.UTF8.GetBytes(text)) == true;

    /// <summary>Says that it closes the connection.</summary>
    public void Close()
    {
        _isEnding = true;
        if (_state == ClientState.Open)
            SendClose(NormalClosure);
    }

    /// <summary>Breaks off what is still there.</summary>
    public void Abort()
    {
        _isEnding = true;
        _stream?.Dispose();
    }

    void IFrameReceiver.OnMessage(ReadOnlySpan<byte> message)
    {
        context.CountMessage();
        conversation.Take(message, _now);
    }

    void IFrameReceiver.OnPing(ReadOnlySpan<byte> payload) => _sender!.TrySend(Opcode.Pong, payload);

    void IFrameReceiver.OnClose(int code, string reason)
    {
        _closed = new FaultException(FaultKind.Closed, $"{code}", reason.Length > 0 ? $"The server closed the connection with {code}: {reason}" : $"The server closed the connection with {code}.");
        SendClose(code == NoStatus ? NormalClosure : code);
    }

    private async Task<FaultException> LiveAsync(long due, CancellationToken ending)
    {
        try
        {
            var dialed = await context.Dialer.OpenAsync(index, ending);
            var sender = new FrameSender(dialed.Stream);
            try
            {
                (_stream, _sender, _closed) = (dialed.Stream, sender, null);
                if (_isEnding)
                    return FaultException.BrokenOff("the test is over."); // whoever ended it may have looked for the stream before it was here
                context.Connecting.Record(context.Clock.GetElapsedTime(due));
                conversation.Opened(text => sender.TrySend(Opcode.Text, Encoding.UTF8.GetBytes(text)));
                Openings++;
                _state = ClientState.Open;
                return await ReadAsync(dialed);
            }
            finally
            {
                await dialed.Stream.DisposeAsync();
                await sender.FinishAsync();
            }
        }
        catch (FaultException fault)
        {
            return fault;
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return FaultException.BrokenOff(exception.Message);
        }
    }

    private async Task<FaultException> ReadAsync(DialedSocket dialed)
    {
        var splitter = new FrameSplitter(this);
        try
        {
            Take(splitter, dialed.Rest);
            while (_closed is null)
            {
                if (!await HasBytesAsync(dialed.Stream) || await TakeNextAsync(dialed.Stream, splitter) == 0)
                    return FaultException.BrokenOff("the server hung up without a close frame.");
            }
            return _closed;
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Protocol)
        {
            SendClose(ProtocolError);
            return fault;
        }
    }

    // Waits without a buffer, until something is there or the stream has ended. Disposing of the stream ends it, too.
    private static async ValueTask<bool> HasBytesAsync(Stream stream) => await stream.ReadAsync(Memory<byte>.Empty, CancellationToken.None) == 0;

    private async ValueTask<int> TakeNextAsync(Stream stream, FrameSplitter splitter)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var read = await stream.ReadAsync(buffer, CancellationToken.None);
            Take(splitter, buffer.AsSpan(0, read));
            return read;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Take(FrameSplitter splitter, ReadOnlySpan<byte> bytes)
    {
        _now = context.Clock.GetTimestamp();
        context.CountBytes(bytes.Length);
        splitter.Take(bytes);
    }

    private void SendClose(int code)
    {
        Span<byte> payload = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        _sender?.TrySend(Opcode.Close, payload);
    }
}
