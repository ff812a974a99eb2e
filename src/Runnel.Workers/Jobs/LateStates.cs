using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Runnel.Workers.Jobs;

/// <summary>The final states of jobs that wait for the layer, oldest first. Bounded: in number, and in the bytes of their results.</summary>
/// <param name="mostBytes">How many bytes the results may take; the rest of a state is small.</param>
internal sealed class LateStates(long mostBytes = 64 * 1024 * 1024)
{
    private const int MostStates = 10_000;

    private readonly Channel<LateState> _waiting = Channel.CreateUnbounded<LateState>();
    private readonly Lock _lock = new();
    private int _count;
    private long _bytes;

    /// <summary>How many bytes the results may take.</summary>
    public long MostBytes => mostBytes;

    /// <summary>Has a state wait.</summary>
    /// <param name="state">The state.</param>
    /// <param name="lostResult">Whether it waits without its result, for want of room.</param>
    /// <returns>Whether there was room for it.</returns>
    public bool TryAdd(LateState state, out bool lostResult)
    {
        lock (_lock)
        {
            lostResult = false;
            if (_count == MostStates)
                return false;
            var bytes = BytesOf(state);
            if (bytes > mostBytes - _bytes)
            {
                (lostResult, bytes) = (true, 0);
                state = state with { Status = state.Status with { Result = null, Error = "The job's result was lost, because the layer was away when the job ended." } };
            }
            (_count, _bytes) = (_count + 1, _bytes + bytes);
            return _waiting.Writer.TryWrite(state);
        }
    }

    /// <summary>Waits for a state. Whoever takes it says <see cref="PutBack"/> or <see cref="Done"/>.</summary>
    public ValueTask<LateState> TakeAsync(CancellationToken cancellationToken) => _waiting.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes all that wait.</summary>
    public IEnumerable<LateState> TakeAll()
    {
        while (_waiting.Reader.TryRead(out var state))
            yield return state;
    }

    /// <summary>The state could not be published, and waits behind the others.</summary>
    public void PutBack(LateState state) => _waiting.Writer.TryWrite(state);

    /// <summary>The state waits no more.</summary>
    public void Done(LateState state)
    {
        lock (_lock)
            (_count, _bytes) = (_count - 1, _bytes - BytesOf(state));
    }

    private static int BytesOf(LateState state) => state.Status.Result is { } result ? JsonMarshal.GetRawUtf8Value(result).Length : 0;
}
