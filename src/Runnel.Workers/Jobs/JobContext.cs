using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers;

/// <summary>One attempt at a job, as its consumer sees it. Thread-safe, and of no use once the consumer has returned.</summary>
public sealed class JobContext
{
    private const double Rounding = 0.01;

    private readonly JobLimits _limits;
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

    /// <summary>Which attempt this is: 1 the first time. An attempt is counted when it fails; a run that its worker did not survive counts as a crash.</summary>
    public int Attempt => Received.Envelope.Attempt + 1;

    /// <summary>How often a worker died or lost its lease while it held the message.</summary>
    public int Crashes => Received.Envelope.Crashes;

    /// <summary>The message's headers.</summary>
    public IReadOnlyDictionary<string, string> Headers => Received.Envelope.Message.Headers;

    /// <summary>Cancelled when the job is cancelled, its time is up, its worker stops and the grace is over, or the worker lost its lease.</summary>
    public CancellationToken CancellationToken
    {
        get
        {
            lock (Received) // nobody else has it, and a lock of its own would be one object more for each message
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
    /// <param name="progress">From 0 to 1; what rounding puts just outside is cut.</param>
    /// <param name="text">What it is doing, for people.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The progress is not between 0 and 1; it may be a percentage. A consumer that lets it pass makes the message a dead letter at once: further attempts would do the same.
    /// </exception>
    public ValueTask ReportAsync(double progress, string? text = null)
    {
        if (progress is < -Rounding or > 1 + Rounding)
            throw new JobArgumentException(nameof(progress), progress, $"{Who} cannot report a progress of {progress}: give a number from 0 to 1, such as 0.5 for 50 %.");
        Progress?.Report(Math.Clamp(double.IsNaN(progress) ? 0 : progress, 0, 1), text);
        return ValueTask.CompletedTask;
    }

    /// <summary>Has the message tried again after this time, counting a failed attempt, when the consumer returns.</summary>
    /// <param name="delay">How long it rests.</param>
    /// <param name="error">Why, for the job's state.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative; a consumer that lets it pass makes the message a dead letter at once.</exception>
    public void RetryAfter(TimeSpan delay, string? error = null)
    {
        JobArgumentException.ThrowIfNegative(delay, Who);
        Outcome = JobOutcome.Retry(delay, error ?? "The consumer asked to be tried again later.") with { IsForClients = true };
    }

    /// <summary>Has the message come back after this time, counting nothing, when the consumer returns: "ask again until complete".</summary>
    /// <param name="delay">How long it rests.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative; a consumer that lets it pass makes the message a dead letter at once.</exception>
    public void Reschedule(TimeSpan delay)
    {
        JobArgumentException.ThrowIfNegative(delay, Who);
        Outcome = JobOutcome.Reschedule(delay, null);
    }

    /// <summary>Has the message come back after this time with other content, counting nothing, when the consumer returns.</summary>
    /// <param name="delay">How long it rests.</param>
    /// <param name="message">What it says next time.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative; a consumer that lets it pass makes the message a dead letter at once.</exception>
    public void Reschedule<T>(TimeSpan delay, T message)
    {
        JobArgumentException.ThrowIfNegative(delay, Who);
        Outcome = JobOutcome.Reschedule(delay, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(message, _limits.Json));
    }

    /// <summary>Puts the message aside as a dead letter when the consumer returns: it can never succeed.</summary>
    /// <param name="reason">Why, for whoever looks at it.</param>
    public void DeadLetter(string reason) => Outcome = JobOutcome.DeadLetter(reason) with { IsForClients = true };

    private string Who => $"Job {Id} on channel '{Channel}'";

    internal void Cancel(bool timedOut)
    {
        lock (Received)
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
        lock (Received)
        {
            _isOver = true;
            _cancellation?.Dispose();
        }
    }
}
