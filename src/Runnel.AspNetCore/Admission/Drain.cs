using System.Collections.Concurrent;

namespace Runnel.AspNetCore.Admission;

/// <summary>How far this node is on its way out. First it only says that it leaves, then it takes no more connections and closes those that it has.</summary>
internal sealed class Drain : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<TaskCompletionSource, bool> _streams = new();
    private volatile bool _hasBegun;

    public Drain() => Closing = _closing.Token;

    /// <summary>Whether the node leaves: load balancers should send it no more clients.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>Cancelled when the node takes no more connections.</summary>
    public CancellationToken Closing { get; }

    /// <summary>The open streams of server-sent events. Each is to be completed when its turn to end has come.</summary>
    public IEnumerable<TaskCompletionSource> Streams => _streams.Keys;

    /// <summary>The node leaves.</summary>
    public void Begin() => _hasBegun = true;

    /// <summary>The node takes no more connections. Who registered for that is told elsewhere, since this may be the thread of a signal.</summary>
    public void BeginClosing() => _ = _closing.CancelAsync();

    /// <summary>A stream begins.</summary>
    /// <returns>Completes when the stream has to end.</returns>
    public TaskCompletionSource OpenStream()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _streams[turn] = true;
        if (Closing.IsCancellationRequested)
            turn.TrySetResult(); // whoever ends the streams may not have seen it
        return turn;
    }

    /// <summary>A stream has ended.</summary>
    public void CloseStream(TaskCompletionSource turn) => _streams.TryRemove(turn, out _);

    public void Dispose() => _closing.Dispose();
}
