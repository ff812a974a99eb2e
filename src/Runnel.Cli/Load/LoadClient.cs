using System.Net.WebSockets;
using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>One connection of a load test. While it waits for a message it holds no buffer and no thread.</summary>
internal sealed class LoadClient(int index, Conversation conversation, ClientContext context)
{
    private volatile MessageSocket? _socket;
    private volatile ClientState _state;
    private volatile bool _isEnding;

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
    public bool TrySend(string text) => _state == ClientState.Open && _socket?.TrySend(text) == true;

    /// <summary>Says that it closes the connection.</summary>
    public void Close()
    {
        _isEnding = true;
        if (_state == ClientState.Open)
            _socket?.Close(WebSocketCloseStatus.NormalClosure);
    }

    /// <summary>Breaks off what is still there.</summary>
    public void Abort()
    {
        _isEnding = true;
        _socket?.Dispose();
    }

    private async Task<FaultException> LiveAsync(long due, CancellationToken ending)
    {
        try
        {
            var socket = await context.Dialer.OpenAsync(index, ending);
            try
            {
                _socket = socket;
                if (_isEnding)
                    return FaultException.BrokenOff("the test is over."); // whoever ended it may have looked for the socket before it was here
                context.Connecting.Record(context.Clock.GetElapsedTime(due));
                conversation.Opened(text => socket.TrySend(text));
                Openings++;
                _state = ClientState.Open;
                return await socket.ReadAsync(Take);
            }
            finally
            {
                socket.Dispose();
                await socket.FinishAsync();
            }
        }
        catch (FaultException fault)
        {
            return fault;
        }
        catch (OperationCanceledException exception)
        {
            return FaultException.BrokenOff(exception.Message);
        }
    }

    private void Take(ReadOnlySpan<byte> message)
    {
        var now = context.Clock.GetTimestamp();
        context.CountMessage(message.Length);
        conversation.Take(message, now);
    }
}
