using System.Diagnostics.CodeAnalysis;
using Runnel.Frames;

namespace Runnel.Consumers;

/// <summary>Whose turn it is on a connection: one event or one message of the client at a time, in the order they arrived.</summary>
/// <remarks>
/// A value, guarded by its session's lock. Nothing is allocated while events do not pile up: an idle connection has no queue.
/// The client has at most one message waiting, because its carrier waits for each before it reads the next. The end of the connection comes
/// after all that arrived before it.
/// </remarks>
internal struct ConsumerTurn
{
    private readonly WaitingBytes _waiting;
    private Queue<GroupMessage>? _events;
    private TaskCompletionSource<bool>? _client;
    private TaskCompletionSource? _end;
    private int _eventsBeforeClient;
    private bool _taken;
    private bool _ended;

    private ConsumerTurn(WaitingBytes waiting) => (_waiting, _taken) = (waiting, true);

    /// <summary>How many events wait.</summary>
    public readonly int Waiting => _events?.Count ?? 0;

    /// <summary>Whether the end has come, so that nothing more is lined up.</summary>
    public readonly bool IsEnding => _ended;

    /// <summary>The turn of a connection that is connecting: taken.</summary>
    /// <param name="waiting">Where the events that line up take their room.</param>
    public static ConsumerTurn Taken(WaitingBytes waiting) => new(waiting);

    /// <summary>Lines an event up.</summary>
    /// <param name="message">The event.</param>
    /// <param name="begins">Whether nobody had the turn: then the caller's event loop has it now.</param>
    /// <returns><see langword="false"/> if there is no room for it.</returns>
    public bool TryPost(GroupMessage message, out bool begins)
    {
        begins = false;
        if (!_waiting.TryTake(message))
            return false;
        (_events ??= new()).Enqueue(message);
        begins = !_taken;
        _taken = true;
        return true;
    }

    /// <summary>The event loop asks for its next event. Without one it loses the turn, to the client if that waits.</summary>
    public bool TryNext([NotNullWhen(true)] out GroupMessage? message)
    {
        message = null;
        if (TryHandOn())
            return false;
        if (_events is null || !_events.TryDequeue(out message))
            return _taken = false;
        _waiting.GiveBack(message);
        _eventsBeforeClient--;
        return true;
    }

    /// <summary>The client takes the turn, when the events that arrived before have had theirs.</summary>
    /// <returns><see langword="false"/> when the end has come, so that there is no turn to take.</returns>
    public Task<bool> TakeAsync()
    {
        if (_ended)
            return Task.FromResult(false);
        if (!_taken)
        {
            _taken = true;
            return Task.FromResult(true);
        }
        if (_client is not null)
            throw new InvalidOperationException("A carrier waits for each message to be handled before it hands over the next.");
        _client = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _eventsBeforeClient = Waiting;
        return _client.Task;
    }

    /// <summary>The end of the connection takes the turn, for good, when all that arrived before has had its own.</summary>
    public Task TakeForEndAsync()
    {
        _ended = true;
        if (!_taken)
        {
            _taken = true;
            return Task.CompletedTask;
        }
        return (_end = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>The connection goes elsewhere, and what waits goes with it: the end takes the turn after the event at hand.</summary>
    public Task TakeForReleaseAsync()
    {
        while (_events is not null && _events.TryDequeue(out var message))
            _waiting.GiveBack(message);
        _client?.SetResult(false);
        _client = null;
        return TakeForEndAsync();
    }

    /// <summary>The client's message is handled.</summary>
    /// <returns>Whether events wait: then the caller's event loop has the turn.</returns>
    public bool PassOn()
    {
        if (TryHandOn())
            return false;
        return _taken = Waiting > 0;
    }

    private bool TryHandOn()
    {
        if (_client is { } client)
        {
            if (_eventsBeforeClient > 0)
                return false;
            _client = null;
            client.SetResult(true);
            return true;
        }
        if (_end is not { } end || Waiting > 0)
            return false;
        _end = null;
        end.SetResult();
        return true;
    }
}
