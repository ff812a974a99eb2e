using System.Buffers.Binary;
using System.Threading.Channels;
using Runnel.Exchanges;
using Runnel.Links;

namespace Runnel;

/// <summary>A request that a worker answers, as the gateway and the worker see it: each sends chunks to the other, in order, and waits when the other does not take them.</summary>
/// <remarks>Dispose it in the end. If it is not complete by then, the other side learns that this one gave up. Sending and receiving may go on at the same time.</remarks>
public sealed class Exchange : IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;
    private const int WindowBytes = 256 * 1024;

    private readonly NodeLinks _links;
    private readonly LinkKind _to;
    private readonly Action<Exchange> _onEnd;
    private readonly Channel<byte[]> _received = System.Threading.Channels.Channel.CreateUnbounded<byte[]>(new() { SingleReader = true, SingleWriter = false });
    private readonly CancellationTokenSource _gone = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource? _roomy;
    private int _room = WindowBytes;
    private bool _hasCompleted, _otherHasCompleted, _hasEnded;

    internal Exchange(NodeLinks links, string nodeId, long id, LinkKind to, Action<Exchange> onEnd)
    {
        (_links, NodeId, Id, _to, _onEnd) = (links, nodeId, id, to, onEnd);
        Gone = _gone.Token;
    }

    /// <summary>Cancelled when the other side gave up, or its node has died.</summary>
    public CancellationToken Gone { get; }

    /// <summary>Whether the worker refused the request because it stops or has as many as it takes. Nobody has begun with it, so any request may go to another worker.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>The other node's id.</summary>
    public string NodeId { get; }

    /// <summary>Its number at the gateway.</summary>
    internal long Id { get; }

    /// <summary>Sends a chunk to the other side. Waits while that has not taken enough of what was sent before.</summary>
    /// <param name="chunk">The chunk; it is copied.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The other side gave up, or its node has died.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken = default)
    {
        while (!chunk.IsEmpty)
        {
            var part = chunk[..Math.Min(chunk.Length, ChunkBytes)];
            while (TakeRoom(part.Length) is { } roomy)
                await roomy.WaitAsync(cancellationToken).ConfigureAwait(false);
            Say(new ExchangeItem(_to, Id, ExchangeStep.Chunk, part.ToArray()));
            chunk = chunk[part.Length..];
        }
    }

    /// <summary>This side has sent everything.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            if (_hasCompleted || _hasEnded)
                return;
            _hasCompleted = true;
        }
        Say(new ExchangeItem(_to, Id, ExchangeStep.Complete, default));
    }

    /// <summary>The next chunk of the other side; <see langword="null"/> when that has sent everything.</summary>
    /// <exception cref="IOException">The other side gave up, or its node has died.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        if (!await _received.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_received.Reader.TryRead(out var chunk))
            return null;
        Say(ExchangeItem.Taken(_to, Id, chunk.Length));
        return chunk;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (TryEnd(isLost: false) == false)
            Say(new ExchangeItem(_to, Id, ExchangeStep.Abort, default));
        _onEnd(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes a step of the other side.</summary>
    internal void Take(ExchangeStep step, ReadOnlyMemory<byte> content)
    {
        switch (step)
        {
            case ExchangeStep.Chunk:
                _received.Writer.TryWrite(content.ToArray());
                break;
            case ExchangeStep.Complete:
                lock (_lock)
                    _otherHasCompleted = true;
                _received.Writer.TryComplete();
                break;
            case ExchangeStep.Taken:
                GiveRoom(BinaryPrimitives.ReadInt32LittleEndian(content.Span));
                break;
            case ExchangeStep.Abort:
                Lose("The other side gave up.");
                break;
            case ExchangeStep.Refuse:
                WasRefused = true;
                Lose("The worker took no more requests.");
                break;
            default:
                break; // of a later version
        }
    }

    /// <summary>The other side is gone.</summary>
    internal void Lose(string why)
    {
        if (TryEnd(isLost: true) is not null)
            Fail(why);
    }

    /// <summary>This side ends while somebody still works on it. The other side learns that.</summary>
    internal void GiveUp(string why)
    {
        if (TryEnd(isLost: true) is not { } isComplete)
            return;
        if (!isComplete)
            Say(new ExchangeItem(_to, Id, ExchangeStep.Abort, default));
        Fail(why);
    }

    private void Fail(string why) => _received.Writer.TryComplete(new IOException(why));

    // What was sent and not taken is bounded, but the last part may go over it.
    private Task? TakeRoom(int bytes)
    {
        lock (_lock)
        {
            if (_hasEnded)
                throw new IOException("The other side of this exchange is gone.");
            if (_room <= 0)
                return (_roomy ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            _room -= bytes;
            return null;
        }
    }

    private void GiveRoom(int bytes)
    {
        TaskCompletionSource? roomy;
        lock (_lock)
        {
            _room += bytes;
            (roomy, _roomy) = (_roomy, null);
        }
        roomy?.TrySetResult();
    }

    // Whether it was complete by then; null if it had ended before.
    private bool? TryEnd(bool isLost)
    {
        TaskCompletionSource? roomy;
        bool isComplete;
        lock (_lock)
        {
            if (_hasEnded)
                return null;
            _hasEnded = true;
            if (isLost)
                _ = _gone.CancelAsync(); // before anybody is refused, who would take it for an error of their own; whoever waits for it goes on elsewhere
            isComplete = _hasCompleted && _otherHasCompleted;
            (roomy, _roomy) = (_roomy, null);
        }
        roomy?.TrySetResult(); // and finds that there is nobody
        return isComplete;
    }

    private void Say(ExchangeItem item) => _links.Send(NodeId, item);
}
