using Runnel.Groups;
using Runnel.Layers;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>The streams of the socket, its groups, and what is said to the gateway.</summary>
internal sealed partial class WorkerConnection
{
    private readonly (long Next, long End) _streamNumbers;
    private Dictionary<long, WorkerMembership>? _streams;
    private Dictionary<long, TaskCompletionSource<JoinOutcome>>? _joins;
    private long _lastRequest;
    private long _opened;

    /// <summary>Whether nothing that this worker sends arrives any more: the connection is another's, or nobody's.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Says something to the gateway, unless the connection is over.</summary>
    public void Ask(LinkItem item)
    {
        lock (this)
        {
            if (!IsOver)
                _worker.Links.Send(Gateway, item);
        }
    }

    /// <summary>Makes the membership of a stream: anew, or as the last owner left it.</summary>
    /// <exception cref="InvalidOperationException">There are more streams than the gateway has numbers for.</exception>
    public WorkerMembership OpenStream(string name, IEventSink events)
    {
        lock (this)
        {
            if (IsAdopted)
                return _streams?.Values.FirstOrDefault(stream => stream.Name == name)?.Open(events) ?? new WorkerMembership(this, new StreamState(0, name, IsOver: true, Kept: null));
            var number = _streamNumbers.Next + _opened++;
            if (number >= _streamNumbers.End)
                throw new InvalidOperationException($"The gateway has numbers for {_opened - 1} streams, and this application has more. Deploy the same version to both.");
            var opened = new WorkerMembership(this, new StreamState(number, name, IsOver: false, Kept: null)).Open(events);
            (_streams ??= []).Add(number, opened);
            return opened;
        }
    }

    /// <summary>An event has come.</summary>
    /// <param name="stream">The stream; 0 for the socket.</param>
    /// <param name="message">The event.</param>
    public void Post(long stream, GroupMessage message)
    {
        WorkerMembership? member;
        lock (this)
        {
            member = stream == 0 ? _membership : _streams?.GetValueOrDefault(stream);
            if (IsOver)
                return;
        }
        if (member is { IsOver: false })
        {
            member.Post(message);
            return;
        }
        LayerTelemetry.MessagesDropped("connection-gone");
        Ask(new ToGateway.Handled(NumberThere, Owner, message.Number, stream, kept: null));
    }

    /// <summary>Joins a group at the gateway.</summary>
    public async Task<JoinOutcome> JoinAsync(long stream, GroupName group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var joined = new TaskCompletionSource<JoinOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (this)
        {
            if (IsOver)
                return JoinOutcome.New;
            (_joins ??= []).Add(++_lastRequest, joined);
            Ask(new ToGateway.Named(HandoverFormat.Asked.Join, NumberThere, Owner, stream, _lastRequest, group.Value));
        }
        try
        {
            return await joined.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Ask(new ToGateway.Named(HandoverFormat.Asked.Leave, NumberThere, Owner, stream, request: 0, group.Value));
            throw;
        }
    }

    /// <summary>The gateway tells what became of a join.</summary>
    public void TakeJoined(long request, byte outcome, string sentence)
    {
        TaskCompletionSource<JoinOutcome>? joined;
        lock (this)
        {
            if (_joins?.Remove(request, out joined) != true)
                return;
        }
        switch (outcome)
        {
            case ToWorker.Joined.LayerAway:
                joined!.TrySetException(new BackplaneUnavailableException(sentence));
                break;
            case ToWorker.Joined.Failed:
                joined!.TrySetException(new InvalidOperationException(sentence));
                break;
            default:
                joined!.TrySetResult((JoinOutcome)outcome);
                break;
        }
    }

    // Nobody waits for the gateway any more.
    private void MarkOver()
    {
        lock (this)
        {
            IsOver = true;
            _window.End();
            foreach (var joined in _joins?.Values ?? Enumerable.Empty<TaskCompletionSource<JoinOutcome>>())
                joined.TrySetResult(JoinOutcome.New);
            _joins = null;
        }
    }
}
