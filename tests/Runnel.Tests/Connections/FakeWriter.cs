using System.Text;
using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>A carrier's end whose flushes a test completes, or fails.</summary>
internal sealed class FakeWriter : IFrameWriter
{
    private readonly Lock _lock = new();
    private readonly List<Frame> _frames = [];
    private TaskCompletionSource? _flush;
    private int _writes;
    private int _writing;

    /// <summary>What has been handed over.</summary>
    public List<Frame> Frames
    {
        get
        {
            lock (_lock)
                return [.. _frames];
        }
    }

    /// <summary>What has been handed over, as text.</summary>
    public List<string> Texts => [.. Frames.Select(frame => frame.Kind == FrameKind.Close ? "close" : Encoding.UTF8.GetString(frame.Payload.Span))];

    /// <summary>How many calls there were.</summary>
    public int Writes
    {
        get
        {
            lock (_lock)
                return _writes;
        }
    }

    /// <summary>Whether two calls ever ran at once.</summary>
    public bool WasReentered { get; private set; }

    public int Overflows { get; private set; }

    public List<Exception> Broken { get; } = [];

    /// <summary>Goes before the close of an overflow.</summary>
    public Frame? Advice { get; init; }

    /// <summary>Thrown by the next write, when set.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Called in each write, when set.</summary>
    public Action? Written { get; set; }

    /// <summary>From now on a write completes only when the test says so.</summary>
    public void Block()
    {
        lock (_lock)
            _flush = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Completes the write that waits; those that follow complete at once.</summary>
    public void Unblock() => TakeFlush()?.SetResult();

    /// <summary>Completes the write that waits; the next one waits in turn.</summary>
    public async Task UnblockOneAsync()
    {
        var writes = Writes;
        TaskCompletionSource? flush;
        lock (_lock)
            (flush, _flush) = (_flush, new(TaskCreationOptions.RunContinuationsAsynchronously));
        flush!.SetResult();
        await Wait.Until(() => Writes > writes, "the next write");
    }

    /// <summary>Fails the write that waits.</summary>
    public void Fail(Exception exception) => TakeFlush()?.SetException(exception);

    public ValueTask WriteAsync(ReadOnlySpan<Frame> frames)
    {
        WasReentered |= Interlocked.Increment(ref _writing) != 1;
        lock (_lock)
        {
            _writes++;
            _frames.AddRange(frames);
            Written?.Invoke();
            if (Failure is { } failure)
            {
                Interlocked.Decrement(ref _writing);
                throw failure;
            }
            if (_flush is null)
            {
                Interlocked.Decrement(ref _writing);
                return ValueTask.CompletedTask;
            }
            return new ValueTask(FlushAsync(_flush.Task));
        }
    }

    public Frame? AdviceFor(int code, string? reason) => Advice;

    public void OnOverflow() => Overflows++;

    public void OnBroken(Exception exception) => Broken.Add(exception);

    private async Task FlushAsync(Task flush)
    {
        try
        {
            await flush;
        }
        finally
        {
            Interlocked.Decrement(ref _writing);
        }
    }

    private TaskCompletionSource? TakeFlush()
    {
        lock (_lock)
        {
            var flush = _flush;
            _flush = null;
            return flush;
        }
    }
}
