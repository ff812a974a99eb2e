using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Runnel.Consumers;
using Runnel.Frames;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;

namespace Runnel.Handover;

/// <summary>The worker's side: runs the consumers of connections whose sockets other nodes hold.</summary>
internal sealed class ConnectionWorker(NodeContext node, NodeLinks links, INodes nodes, SessionHost host, IScopeFormat scopes, IOptions<HandoverOptions> options, IConsumerEndpoints? endpoints = null)
    : ILinkReceiver
{
    // What is said at the end of the grace needs a moment.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(string Gateway, long Number), WorkerConnection> _connections = new();
    private readonly TaskCompletionSource _emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private volatile bool _isLeaving;

    public NodeContext Node => node;

    public NodeLinks Links => links;

    public SessionHost Host => host;

    public IScopeFormat Scopes => scopes;

    /// <summary>How many connections it has.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The connection is not this worker's any more.</summary>
    public void Remove(WorkerConnection connection)
    {
        if (_connections.TryRemove(new((connection.Gateway, connection.NumberThere), connection)))
            Interlocked.Decrement(ref _count);
        if (_isLeaving && _connections.IsEmpty)
            _emptied.TrySetResult();
    }

    public void OnMessage(string nodeId, ReadOnlyMemory<byte> body)
    {
        var reader = new WireReader(body);
        var told = (HandoverFormat.Told)reader.Byte();
        if (told == HandoverFormat.Told.Event)
        {
            TakeEvent(nodeId, ref reader);
            return;
        }
        var (number, owner) = (reader.Number(), reader.Int());
        if (told == HandoverFormat.Told.Assign)
            TakeAssignment(nodeId, number, owner, ref reader);
        else if (Find(nodeId, number, owner) is { } connection)
            Take(connection, told, ref reader);
    }

    public void OnEnded(string nodeId)
    {
        // A gateway that lives took this worker for dead, and others have its connections. Otherwise the sockets are gone with it.
        var lives = nodes.All.Any(other => other.Id == nodeId);
        foreach (var connection in _connections.Values.Where(connection => connection.Gateway == nodeId))
        {
            if (lives)
                connection.Lose();
            else
                connection.End(number: 0, isRedelivered: false, CloseCode.Abnormal, wasAccepted: true);
        }
    }

    /// <summary>This worker stops: its connections go to others, and those that cannot are closed, so that their clients come back.</summary>
    /// <param name="grace">How long consumers may take for the event at hand.</param>
    public async Task LeaveAsync(TimeSpan grace)
    {
        _isLeaving = true;
        var all = _connections.Values.ToList();
        if (all.Count == 0)
            return;
        var left = Task.WhenAll(all.Select(connection => LeaveAsync(connection, grace)));
        try
        {
            // What is closed ends when its client has answered.
            await Task.WhenAll(left, _emptied.Task).WaitAsync(grace + Rest, node.TimeProvider);
        }
        catch (TimeoutException)
        {
            Log.LeavingTookTooLong(node.Logger, _connections.Count, grace);
        }
        var said = links.FlushAllAsync();
        await said.WaitAsync(Rest, node.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!said.IsCompleted)
            Log.LastWordsUnconfirmed(node.Logger, Rest);
    }

    private static Task LeaveAsync(WorkerConnection connection, TimeSpan grace) =>
        connection.CanMove ? connection.GiveBackAsync(grace) : connection.CloseAsync(CloseCode.ServiceRestart, "The server is restarting.");

    private WorkerConnection? Find(string gateway, long number, int owner) =>
        _connections.TryGetValue((gateway, number), out var connection) && connection.Owner == owner ? connection : null;

    private void TakeAssignment(string gateway, long number, int owner, ref WireReader reader)
    {
        if (_connections.TryGetValue((gateway, number), out var before))
            before.Lose();
        if (_isLeaving)
        {
            links.Send(gateway, new ToGateway.Released(number, owner, wasCutShort: false));
            return;
        }
        if (Begin(gateway, number, owner, ref reader) is { } refusal)
            links.Send(gateway, new ToGateway.Refused(number, owner, refusal));
    }

    private HandoverFormat.Refusal? Begin(string gateway, long number, int owner, ref WireReader reader)
    {
        try
        {
            var version = reader.Byte();
            var assigned = version == HandoverFormat.Version ? Assigned.Read(number, owner, ref reader) : null;
            if (assigned is not null && endpoints?.Find(assigned.Endpoint) is { } descriptor)
                return TryBegin(gateway, assigned, descriptor) ? null : HandoverFormat.Refusal.Full;
            Log.AssignmentUnknown(node.Logger, gateway, assigned?.Endpoint ?? "?", version);
            return HandoverFormat.Refusal.Unknown;
        }
        catch (Exception exception)
        {
            Log.AssignmentFailed(node.Logger, exception, gateway, number);
            return HandoverFormat.Refusal.Failed;
        }
    }

    private bool TryBegin(string gateway, Assigned assigned, ConsumerDescriptor descriptor)
    {
        if (assigned.Traits.HasFlag(HandoverFormat.Traits.Greeted))
            descriptor = DemultiplexerBuilder.Greeted(descriptor);
        var connection = new WorkerConnection(this, gateway, assigned, descriptor);
        if (Interlocked.Increment(ref _count) > options.Value.MaxConnections)
        {
            Interlocked.Decrement(ref _count);
            return false;
        }
        _connections[(gateway, assigned.Connection)] = connection;
        ThreadPool.UnsafeQueueUserWorkItem(static connection => _ = connection.BeginAsync(), connection, preferLocal: false);
        if (_isLeaving)
            _ = LeaveAsync(connection, node.Options.ShutdownTimeout); // the worker may have listed what it has just before
        return true;
    }

    private static void Take(WorkerConnection connection, HandoverFormat.Told told, ref WireReader reader)
    {
        switch (told)
        {
            case HandoverFormat.Told.Text or HandoverFormat.Told.Binary:
                connection.Receive(reader.Number(), told == HandoverFormat.Told.Text, reader.Byte() != 0, reader.Rest.ToArray());
                break;
            case HandoverFormat.Told.End:
            {
                var (number, isRedelivered) = (reader.Number(), reader.Byte() != 0);
                connection.End(number, isRedelivered, reader.Int(), reader.Byte() != 0);
                break;
            }
            case HandoverFormat.Told.Gone:
                connection.CancelGone();
                break;
            case HandoverFormat.Told.Joined:
                connection.TakeJoined(reader.Number(), reader.Byte(), reader.Text());
                break;
            case HandoverFormat.Told.Taken:
                connection.Take(reader.Int(), reader.Number());
                break;
            case HandoverFormat.Told.GiveBack:
                _ = connection.GiveBackAsync(connection.Node.Options.ShutdownTimeout);
                break;
            case HandoverFormat.Told.Lost:
                connection.Lose();
                break;
            default:
                Log.UnknownItem(connection.Node.Logger, (byte)told, connection.Gateway, connection.NumberThere);
                _ = connection.CloseAsync(CloseCode.ServiceRestart, "The server is restarting.");
                break;
        }
    }

    private void TakeEvent(string gateway, ref WireReader reader)
    {
        var gap = reader.Text();
        var receivers = new ToWorker.Receiver[reader.Int()];
        for (var i = 0; i < receivers.Length; i++)
            receivers[i] = new(reader.Number(), reader.Int(), reader.Number(), reader.Number(), reader.Byte() != 0);
        var envelope = EnvelopeFormat.Decode(reader.Rest.ToArray());
        var place = gap.Length > 0 ? new GroupPlace(gap, Tag: null, Position.None, IsGap: true) : null;
        foreach (var receiver in receivers)
        {
            if (Find(gateway, receiver.Connection, receiver.Owner) is { } connection)
                connection.Post(receiver.Stream, new GroupMessage(envelope, place) { Number = receiver.Number, IsRedelivered = receiver.IsRedelivered });
        }
    }
}
