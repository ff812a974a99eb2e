using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>A connection whose consumer works in a worker: the half that stays with the socket (ADR 11).</summary>
/// <remarks>
/// What happens to the connection gets a number, goes to its present owner, and is kept until the owner's consumer has handled it. If the owner leaves or dies, what is not handled goes to the next
/// owner. Only the present owner is obeyed (<see cref="TryObey"/>).
/// </remarks>
internal sealed partial class HandedSession : IConsumerSession, IMovable
{
    /// <summary>So many messages of the client may be open; then its socket is not read.</summary>
    public const int MostOpenMessages = 16;

    /// <summary>So many bytes of them.</summary>
    public const int MostOpenBytes = 256 * 1024;

    // A demultiplexer of a later version may have more streams.
    private const int LeastStreamNumbers = 256;

    private readonly ConnectionOwners _owners;
    private readonly ConsumerDescriptor _descriptor;
    private readonly SocketConnection _connection;
    private readonly HandedMember _socket;
    private readonly long _firstStream;
    private readonly int _streamNumbers;
    private Dictionary<long, HandedMember>? _streams;
    private OpenEvents _open;
    private TaskCompletionSource? _begun, _room, _ended;
    private bool _isEnding, _isRefused, _isCut, _isGone;

    public HandedSession(ConnectionOwners owners, SocketConnection connection, string endpoint, ConsumerDescriptor descriptor, ClientHello? hello)
    {
        _owners = owners;
        _connection = connection;
        _descriptor = descriptor;
        Endpoint = endpoint;
        IsGreeted = hello is not null;
        _socket = new HandedMember(this, stream: 0, name: "");
        _socket.Membership = owners.Host.MembershipOf(connection, hello, _socket);
        if (descriptor.StreamCount > 0)
        {
            _streamNumbers = Math.Max(descriptor.StreamCount, LeastStreamNumbers);
            _firstStream = connection.Node.NextNumbers(_streamNumbers);
        }
    }

    public Connection Connection => _connection;

    public string Endpoint { get; }

    /// <summary>Whether the client speaks <c>runnel.v1</c>, so that its socket was open before its consumer was made.</summary>
    public bool IsGreeted { get; }

    public async Task ConnectAsync()
    {
        _owners.Host.Connections.Add(_connection);
        _socket.Membership.Begin();
        _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _deadline = _owners.DeadlineIn(_owners.Options.HandshakeTimeout);
        _owners.Add(this);
        await using (_connection.Gone.UnsafeRegister(static session => ((HandedSession)session!).OnGone(), this))
        {
            _owners.HandOut(this);
            await _begun.Task;
        }
        _begun = null;
    }

    public ValueTask ReceiveTextAsync(ReadOnlyMemory<byte> utf8) => ReceiveAsync(utf8, isText: true);

    public ValueTask ReceiveBinaryAsync(ReadOnlyMemory<byte> data) => ReceiveAsync(data, isText: false);

    public async Task DisconnectAsync(int code, bool wasAccepted = true)
    {
        HandedMember[] streams;
        var ended = Task.CompletedTask;
        bool isFinished;
        lock (this)
        {
            (_isEnding, _isRefused) = (true, !wasAccepted);
            _room?.TrySetResult();
            streams = [.. _streams?.Values ?? Enumerable.Empty<HandedMember>()];
        }
        _socket.Membership.End();
        foreach (var stream in streams)
            stream.Membership.End();
        _owners.Host.Connections.Remove(_connection);
        lock (this)
        {
            _isFinished |= IsNobodys;
            isFinished = _isFinished;
            if (!isFinished)
            {
                ended = (_ended = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                Append(new OpenEvent.End(_open.NextNumber(), code, wasAccepted));
            }
        }
        if (isFinished)
            _owners.Remove(this);
        else if (wasAccepted)
            await ended; // a client that was refused has its answer now
    }

    /// <summary>An event of a group, or for this connection alone. Called in the middle of a fan-out.</summary>
    public void Post(HandedMember member, GroupMessage message)
    {
        lock (this)
        {
            if (_isEnding || _isCut || member.IsOver)
                LayerTelemetry.MessagesDropped("connection-gone");
            else if (!_connection.Waiting.TryTake(message))
                Cut(_open.Count);
            else
                Append(new OpenEvent.Posted(_open.NextNumber(), member.Stream, member.Membership, message));
        }
    }

    /// <summary>The consumer takes so long to connect that a frame could not be held.</summary>
    public void Overflow(int held)
    {
        lock (this)
            Cut(held);
    }

    private ValueTask ReceiveAsync(ReadOnlyMemory<byte> message, bool isText)
    {
        Task room;
        lock (this)
        {
            if (_isEnding || _isCut)
                return ValueTask.CompletedTask;
            Append(new OpenEvent.Message(_open.NextNumber(), isText, message.ToArray()));
            if (HasRoom)
                return ValueTask.CompletedTask;
            _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
            room = _room.Task; // the worker may have made room as soon as the lock is free, and then there is no _room
        }
        return new ValueTask(WaitForRoomAsync(room));
    }

    private bool HasRoom => _open.Messages < MostOpenMessages && _open.MessageBytes < MostOpenBytes;

    private async Task WaitForRoomAsync(Task room)
    {
        // Nobody reads the socket meanwhile, so nobody else sees that the client is gone.
        await using (_connection.Gone.UnsafeRegister(static session => ((HandedSession)session!).OnGone(), this))
            await room;
    }

    // Called with the lock held.
    private void Append(OpenEvent next)
    {
        _open.Add(next);
        if (_worker is not null)
            Send(next);
    }

    // The client broke off while nobody reads: the consumer's token says so.
    private void OnGone()
    {
        lock (this)
        {
            _isGone = true;
            if (_worker is { } worker)
                _owners.Links.Send(worker, new ToWorker(HandoverFormat.Told.Gone, _connection.Number, _ownerNumber));
            else if (!_isConnected)
                _begun?.TrySetResult();
            _room?.TrySetResult();
        }
    }

    // Called with the lock held, and perhaps with a group's, in the middle of its fan-out.
    private void Cut(int waiting)
    {
        LayerTelemetry.MessagesDropped("consumer-busy");
        if (_isCut)
            return;
        _isCut = true;
        Log.ConsumerTooBusy(_connection.Node.Logger, _descriptor.Name, _connection.Number, waiting);
        ThreadPool.UnsafeQueueUserWorkItem(
            static connection => _ = connection.CloseAsync(CloseCode.TryAgainLater, "The consumer could not keep up."), Connection, preferLocal: false);
    }
}
