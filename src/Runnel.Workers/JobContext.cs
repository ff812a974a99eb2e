using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>One attempt at a job, as its consumer sees it. Thread-safe, and of no use once the consumer has returned.</summary>
public sealed class JobContext
{
    private readonly JobLimits _limits;
    private readonly Lock _lock = new();
    private CancellationTokenSource? _cancellation;
    private bool _isOver;

    internal JobContext(ReceivedMessage message, JobLimits limits)
    {
        Received = message;
        _limits = limits;
    }

    /// <summary>The job's identity, the same for all its attempts: what to tell other systems, so that they can tell a repetition.</summary>
    public MessageId Id => Received.Id;

    /// <summary>The channel.</summary>
    public ChannelName Channel => Received.Channel;

    /// <summary>Which attempt this is: 1 the first time.</summary>
    public int Attempt => Received.Envelope.Attempt + 1;

    /// <summary>How often a worker died in the middle of it.</summary>
    public int Crashes => Received.Envelope.Crashes;

    /// <summary>The message's headers.</summary>
    public IReadOnlyDictionary<string, string> Headers => Received.Envelope.Message.Headers;

    /// <summary>Cancelled when the job is cancelled, its time is up, its worker stops and the grace is over, or the worker lost its lease.</summary>
    public CancellationToken CancellationToken
    {
        get
        {
            lock (_lock)
            {
                if (_cancellation is null)
                {
                    _cancellation = CancellationTokenSource.CreateLinkedTokenSource(_limits.Stop, _limits.LeaseLost);
                    if (IsCancelRequested || IsTimedOut)
                        _cancellation.Cancel();
                }
                return _cancellation.Token;
            }
        }
    }

    internal ReceivedMessage Received { get; }

    /// <summary>When this process took its message, as a timestamp.</summary>
    internal long TakenAt { get; init; }

    /// <summary>Tells the world of it, once it runs on a channel that tracks.</summary>
    internal JobProgress? Progress { get; set; }

    internal JobOutcome? Outcome { get; private set; }

    internal bool IsCancelRequested { get; private set; }

    internal bool IsTimedOut { get; private set; }

    /// <summary>Says how far the job is. Goes out at most 20 times a second, the latest always; without effect on a channel that does not track.</summary>
    /// <param name="progress">From 0 to 1; what is outside is cut.</param>
    /// <param name="text">What it is doing, for people.</param>
    public ValueTask ReportAsync(double progress, string? text = null)
    {
        Progress?.Report(Math.Clamp(double.IsNaN(progress) ? 0 : progress, 0, 1), text);
        return ValueTask.CompletedTask;
    }

    /// <summary>Has the message tried again after this time, counting a failed attempt, when the consumer returns.</summary>
    /// <param name="delay">How long it rests.</param>
    /// <param name="error">Why, for the job's state.</param>
    public void RetryAfter(TimeSpan delay, string? error = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Outcome = JobOutcome.Retry(delay, error ?? "The consumer asked to be tried again later.");
    }

    /// <summary>Has the message come back after this time, counting nothing, when the consumer returns: "ask again until complete".</summary>
    /// <param name="delay">How long it rests.</param>
    public void Reschedule(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Outcome = JobOutcome.Reschedule(delay, null);
    }

    /// <summary>Has the message come back after this time with other content, counting nothing, when the consumer returns.</summary>
    /// <param name="delay">How long it rests.</param>
    /// <param name="message">What it says next time.</param>
    public void Reschedule<T>(TimeSpan delay, T message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Outcome = JobOutcome.Reschedule(delay, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(message, _limits.Json));
    }

    /// <summary>Puts the message aside as a dead letter when the consumer returns: it can never succeed.</summary>
    /// <param name="reason">Why, for whoever looks at it.</param>
    public void DeadLetter(string reason) => Outcome = JobOutcome.DeadLetter(reason);

    internal void Cancel(bool timedOut)
    {
        lock (_lock)
        {
            IsTimedOut |= timedOut;
            IsCancelRequested |= !timedOut;
            // On the thread pool: what the consumer registered may block and throw, and the thread here is a timer's or the layer's.
            if (!_isOver)
                _ = _cancellation?.CancelAsync();
        }
    }

    internal void End()
    {
        lock (_lock)
        {
            _isOver = true;
            _cancellation?.Dispose();
        }
    }
}
