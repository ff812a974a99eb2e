using Runnel.Consumers;
using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Handover;

/// <summary>The groups of a connection whose socket another node holds, or of one of its streams: they are there, too.</summary>
internal sealed class WorkerMembership : IMembership
{
    private readonly WorkerConnection _connection;
    private IEventSink? _events;
    private List<GroupMessage>? _early; // what came for a stream of an adopted socket before its consumer was made
    private byte[]? _toKeep;

    /// <summary>The membership of the socket.</summary>
    public WorkerMembership(WorkerConnection connection, IEventSink events)
    {
        (_connection, _events, Name) = (connection, events, "");
    }

    /// <summary>The membership of a stream.</summary>
    public WorkerMembership(WorkerConnection connection, StreamState state)
    {
        (_connection, Stream, Name, IsOver, Kept) = (connection, state.Number, state.Name, state.IsOver, state.Kept);
    }

    /// <summary>The number of the stream; 0 for the socket.</summary>
    public long Stream { get; }

    public string Name { get; }

    public byte[]? Kept { get; }

    public bool IsOver { get; private set; }

    public ChannelName ChannelName => Stream == 0 ? _connection.ChannelName : _connection.AddressOf(Stream);

    /// <summary>Its consumer is made.</summary>
    public WorkerMembership Open(IEventSink events)
    {
        lock (this)
        {
            _events = events;
            foreach (var message in _early ?? [])
                events.Post(message);
            _early = null;
        }
        return this;
    }

    /// <summary>An event has come.</summary>
    public void Post(GroupMessage message)
    {
        lock (this)
        {
            if (_events is { } events)
                events.Post(message);
            else
                (_early ??= []).Add(message);
        }
    }

    public void Begin()
    {
        if (Stream != 0)
            _connection.Ask(new ToGateway.Named(HandoverFormat.Asked.StreamBegins, _connection.NumberThere, _connection.Owner, Stream, request: 0, Name));
    }

    public void Release() => AskOf(Stream == 0 ? HandoverFormat.Asked.Connected : HandoverFormat.Asked.StreamConnected, TakeKept());

    public ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken) => new(_connection.JoinAsync(Stream, group, cancellationToken));

    public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _connection.Ask(new ToGateway.Named(HandoverFormat.Asked.Leave, _connection.NumberThere, _connection.Owner, Stream, request: 0, group.Value));
        return ValueTask.CompletedTask;
    }

    public void Handled(GroupMessage message) => _connection.Ask(new ToGateway.Handled(_connection.NumberThere, _connection.Owner, message.Number, Stream, TakeKept()));

    public void HandledMessage() => _connection.SettleMessage(this);

    public void Keep(byte[] json, bool isHandling)
    {
        Volatile.Write(ref _toKeep, json);
        if (!isHandling)
            AskOf(HandoverFormat.Asked.Kept, TakeKept());
    }

    /// <summary>What is to be kept with the event that was handled.</summary>
    public byte[]? TakeKept() => Volatile.Read(ref _toKeep) is null ? null : Interlocked.Exchange(ref _toKeep, null);

    public IMembership OfStream(long number, string name, IEventSink events) => _connection.OpenStream(name, events);

    public void End()
    {
        if (Stream == 0 || IsOver || _connection.IsEnding)
            return; // the gateway knows
        IsOver = true;
        AskOf(HandoverFormat.Asked.StreamEnds, kept: null);
    }

    private void AskOf(HandoverFormat.Asked asked, byte[]? kept) => _connection.Ask(new ToGateway.OfStream(asked, _connection.NumberThere, _connection.Owner, Stream, kept));
}
