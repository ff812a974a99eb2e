using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Runnel.Consumers;
using Runnel.Layers;

namespace Runnel.Handover;

/// <summary>A connection whose socket another node holds, as its consumer in this worker sees it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A CancellationTokenSource without a timer, whose wait handle is never asked for, holds nothing to dispose; the consumer may use its token after the end.")]
internal sealed partial class WorkerConnection : Connection
{
    private readonly ConnectionWorker _worker;
    private readonly CancellationTokenSource _gone = new();
    private readonly WorkerMembership _membership;
    private readonly ReadOnlyMemory<byte> _scopeBytes;
    private ConsumerScope? _scope;
    private SendWindow _window;
    private int _decided;
    private bool _isAccepted;
    private bool _isClosed;

    public WorkerConnection(ConnectionWorker worker, string gateway, Assigned assigned, ConsumerDescriptor descriptor)
        : base(worker.Node)
    {
        (_worker, Gateway, NumberThere, Owner) = (worker, gateway, assigned.Connection, assigned.Owner);
        (IsGreeted, IsAdopted) = (assigned.Traits.HasFlag(HandoverFormat.Traits.Greeted), assigned.Traits.HasFlag(HandoverFormat.Traits.Adopted));
        CanMove = descriptor.CanBeAdopted;
        _isAccepted = IsGreeted || IsAdopted;
        _decided = _isAccepted ? 1 : 0;
        _scopeBytes = assigned.Scope;
        _streamNumbers = (assigned.FirstStream, assigned.FirstStream + assigned.StreamNumbers);
        foreach (var stream in assigned.Streams)
            (_streams ??= []).Add(stream.Number, new WorkerMembership(this, stream));
        Kept = assigned.Kept;
        WorkerMembership? membership = null;
        Session = new ConsumerSession(worker.Host, this, descriptor, events => membership = new WorkerMembership(this, events));
        _membership = membership!;
    }

    /// <summary>The node that holds the socket.</summary>
    public string Gateway { get; }

    /// <summary>Its number on that node.</summary>
    public long NumberThere { get; }

    /// <summary>The number of this owner: what others send is refused there.</summary>
    public int Owner { get; }

    public bool IsGreeted { get; }

    public bool IsAdopted { get; }

    /// <summary>Whether another worker can adopt it.</summary>
    public bool CanMove { get; }

    public ConsumerSession Session { get; }

    /// <summary>Whether the consumer has closed it.</summary>
    private bool HasClosed => Volatile.Read(ref _isClosed);

    public override ChannelName ChannelName => AddressOf(NumberThere);

    public override ConsumerScope Scope => _scope ??= _worker.Scopes.Read(_scopeBytes);

    public override CancellationToken Gone => _gone.Token;

    internal override bool IsOfThisNode => false;

    public override Task AcceptAsync(AcceptOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (IsGreeted)
        {
            // The socket is open, and its consumer is that of a shared socket, which asks for nothing else: the gateway hears that it is at work.
            Ask(new ToGateway.Accept(NumberThere, Owner, AcceptOptions.Default));
            return Task.CompletedTask;
        }
        if (options.Subprotocol is { } subprotocol && !Scope.Subprotocols.Contains(subprotocol))
            throw new InvalidOperationException($"The client does not offer the subprotocol '{subprotocol}'; it offers: {string.Join(", ", Scope.Subprotocols)}.");
        Decide();
        _isAccepted = true;
        Ask(new ToGateway.Accept(NumberThere, Owner, options));
        return Task.CompletedTask;
    }

    public override Task RejectAsync(CancellationToken cancellationToken = default)
    {
        Decide();
        Ask(new ToGateway(HandoverFormat.Asked.Reject, NumberThere, Owner));
        return Task.CompletedTask;
    }

    public override ValueTask SendAsync(string text, CancellationToken cancellationToken = default) => SendOwnAsync(Frame.Text(text), cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => SendOwnAsync(Frame.Binary(data.Span), cancellationToken);

    public override ValueTask SendUtf8JsonAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) => SendOwnAsync(Frame.Text(json.Span), cancellationToken);

    public override void Abort()
    {
        Ask(new ToGateway(HandoverFormat.Asked.Abort, NumberThere, Owner));
        EndSending();
    }

    /// <summary>The address of this connection, or of one of its streams.</summary>
    public ChannelName AddressOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Gateway}!{number:x}");

    /// <summary>The gateway has put frames into the client's queue.</summary>
    public void Take(int frames, long bytes)
    {
        lock (this)
        {
            _window.Take(frames, bytes);
            while (_window.Next() is { } frame)
                SendNow(frame);
        }
    }

    internal override ValueTask SendFrameAsync(Frame frame, CancellationToken cancellationToken)
    {
        TaskCompletionSource sent;
        lock (this)
        {
            if (_isClosed || IsOver)
                return ValueTask.CompletedTask;
            if (_window.HasRoom)
            {
                SendNow(frame);
                return ValueTask.CompletedTask;
            }
            sent = _window.Wait(frame);
        }
        return new ValueTask(WaitAsync(sent, cancellationToken));
    }

    internal override void OnKept() => _membership.Keep(Kept!, Session.Context.IsHandling);

    protected override Task CloseOnceAsync(int code, string? reason, CancellationToken cancellationToken)
    {
        lock (this)
        {
            if (_isClosed)
                return Task.CompletedTask;
            // What was sent before goes first, although it waits.
            _window.Take(int.MaxValue / 2, long.MaxValue / 2);
            while (_window.Next() is { } frame)
                SendNow(frame);
            _isClosed = true;
        }
        Ask(new ToGateway.Close(NumberThere, Owner, code, reason));
        return Task.CompletedTask;
    }

    private static async Task WaitAsync(TaskCompletionSource sent, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), sent))
            await sent.Task;
    }

    private ValueTask SendOwnAsync(Frame frame, CancellationToken cancellationToken)
    {
        if (!_isAccepted)
            throw new InvalidOperationException("The connection is not accepted yet: call AcceptAsync before sending.");
        return SendFrameAsync(frame, cancellationToken);
    }

    // Called with the lock held, so that frames keep their order.
    private void SendNow(Frame frame)
    {
        _window.Send(frame);
        Ask(new ToGateway.SendFrame(NumberThere, Owner, frame));
    }

    private void Decide()
    {
        if (Interlocked.CompareExchange(ref _decided, 1, 0) != 0)
            throw new InvalidOperationException("The connection was accepted or rejected before.");
    }

    private void EndSending()
    {
        lock (this)
        {
            _isClosed = true;
            _window.End();
        }
    }
}
