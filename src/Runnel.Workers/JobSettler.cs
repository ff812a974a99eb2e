using System.Text.Json;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Settles one message by what came of its handler, and lets those know who follow the job.</summary>
/// <remarks>
/// Each method completes when the message may be settled, and hands back the settling, which nobody has to wait for. Neither throws: what cannot be
/// settled is handed out again when the lease ends.
/// </remarks>
internal sealed class JobSettler(ChannelDefinition channel, IWorkerLease lease, JobLimits limits, ILogger logger)
{
    private const string Succeeded = "succeeded";
    private const int MaxError = 2_000;
    private const int MaxDetail = 16_000;

    /// <summary>The message may be another worker's by now: it is not begun, and given back if it turns out that it is not.</summary>
    public async Task GiveBackAsync(ReceivedMessage message)
    {
        try
        {
            await lease.AbandonAsync(message, AbandonOptions.Untouched);
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
        }
    }

    /// <summary>The handler has returned: the message is done with, or what the handler said is done with it.</summary>
    public ValueTask<Task> AfterReturnAsync(JobContext job, JobProgress? progress, object? result) => job.Outcome switch
    {
        null => CompleteAsync(job.Received, progress, result),
        { Delay: not null } when job.IsCancelRequested => CancelAsync(job.Received, progress), // it would only come back
        var outcome => SettleAsync(job.Received, progress, outcome, null),
    };

    /// <summary>The handler has thrown: the message is tried again, or put aside.</summary>
    public ValueTask<Task> AfterFailureAsync(ReceivedMessage message, JobProgress? progress, JobContext job, Exception exception)
    {
        // Whatever a handler throws when it is cancelled: nobody wants another attempt.
        if (job.IsCancelRequested && exception is not DeadLetterException)
            return CancelAsync(message, progress);
        // A worker that leaves, or whose messages are others' now, proves nothing about the message.
        if (exception is OperationCanceledException && !job.IsTimedOut && (limits.Stop.IsCancellationRequested || limits.LeaseLost.IsCancellationRequested))
            return SettleAsync(message, progress, JobOutcome.Reschedule(TimeSpan.Zero, null), null);

        var failures = message.Envelope.Attempt + 1;
        var outcome = exception switch
        {
            DeadLetterException => JobOutcome.DeadLetter(exception.Message),
            RetryAfterException retry => JobOutcome.Retry(retry.Delay, exception.Message),
            OperationCanceledException when job.IsTimedOut => JobOutcome.Retry(Rest(failures), $"It took longer than {channel.Options.Timeout}."),
            _ => JobOutcome.Retry(Rest(failures), $"{exception.GetType().Name}: {exception.Message}"),
        };
        return SettleAsync(message, progress, outcome, exception);
    }

    private TimeSpan Rest(int failures) => channel.Options.Retry.DelayAfter(failures, Random.Shared.NextDouble());

    private ValueTask<Task> SettleAsync(ReceivedMessage message, JobProgress? progress, JobOutcome outcome, Exception? exception)
    {
        if (outcome.Delay is not { } delay)
            return DeadLetterAsync(message, progress, DeadLetterReason.Rejected, outcome.Error, exception);
        var failures = message.Envelope.Attempt + 1;
        if (outcome.CountsAttempt && failures >= channel.Options.Retry.MaxAttempts)
            return DeadLetterAsync(message, progress, DeadLetterReason.AttemptsExhausted, outcome.Error, exception);
        if (outcome.CountsAttempt)
            Log.JobFailed(logger, exception, message.Id, channel.Name, failures, delay);
        return EndAsync(
            message,
            progress,
            status => status with { State = outcome.CountsAttempt ? JobState.Failed : delay > TimeSpan.Zero ? JobState.Scheduled : JobState.Queued, Error = Cut(outcome.Error, MaxError) },
            outcome.CountsAttempt ? "retried" : "rescheduled",
            delay,
            () => lease.AbandonAsync(message, new AbandonOptions { Delay = delay, CountsAttempt = outcome.CountsAttempt, Body = outcome.Body }));
    }

    private ValueTask<Task> CompleteAsync(ReceivedMessage message, JobProgress? progress, object? result) =>
        progress is null ? new(Complete(message)) : CompleteTrackedAsync(message, progress, result);

    // What becomes of nearly every message, so without anything that only the others need.
    private Task Complete(ReceivedMessage message)
    {
        WorkerMetrics.JobHandled(channel.Name, Succeeded);
        try
        {
            var settling = lease.CompleteAsync(message);
            return settling is { IsCompletedSuccessfully: true, Result: true } ? Task.CompletedTask : ObserveAsync(message, settling.AsTask());
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
            return Task.CompletedTask;
        }
    }

    private ValueTask<Task> CompleteTrackedAsync(ReceivedMessage message, JobProgress progress, object? result)
    {
        var (written, error) = Write(result);
        return EndAsync(
            message,
            progress,
            status => status with { State = JobState.Succeeded, Progress = 1, Error = error, Result = written },
            Succeeded,
            TimeSpan.Zero,
            () => lease.CompleteAsync(message));
    }

    // The work is done, and doing it again would not make its result one that can be written.
    private (JsonElement? Written, string? Error) Write(object? result)
    {
        try
        {
            return (result is null ? null : JsonSerializer.SerializeToElement(result, limits.Json), null);
        }
        catch (Exception exception)
        {
            return (null, $"The job's result, a {result!.GetType().Name}, cannot be written as JSON: {exception.Message}");
        }
    }

    /// <summary>Nobody wants the job any more.</summary>
    public ValueTask<Task> CancelAsync(ReceivedMessage message, JobProgress? progress)
    {
        Log.JobCancelled(logger, message.Id, channel.Name);
        return EndAsync(message, progress, status => status with { State = JobState.Cancelled }, "cancelled", TimeSpan.Zero, () => lease.CompleteAsync(message));
    }

    /// <summary>Nobody began the job in time.</summary>
    public ValueTask<Task> ExpireAsync(ReceivedMessage message, JobProgress? progress)
    {
        Log.JobExpired(logger, message.Id, channel.Name);
        return EndAsync(
            message,
            progress,
            status => JobExpiry.Expired(status with { Attempt = message.Envelope.Attempt }),
            "expired",
            TimeSpan.Zero,
            () => lease.CompleteAsync(message));
    }

    /// <summary>Puts the message aside.</summary>
    public ValueTask<Task> DeadLetterAsync(ReceivedMessage message, JobProgress? progress, DeadLetterReason reason, string? error, Exception? exception)
    {
        Log.JobDead(logger, exception, message.Id, channel.Name, message.Envelope.Attempt + 1, reason, error);
        return EndAsync(
            message,
            progress,
            status => status with { State = JobState.Dead, Error = Cut(error, MaxError) },
            "dead",
            TimeSpan.Zero,
            () => lease.DeadLetterAsync(message, reason, Cut(exception is null ? error : $"{error}\n{exception}", MaxDetail)));
    }

    /// <summary>Publishes the state first and settles then: a crash in between repeats the job, and never leaves a page waiting for an end that was.</summary>
    private async ValueTask<Task> EndAsync(
        ReceivedMessage message, JobProgress? progress, Func<JobStatus, JobStatus> end, string outcome, TimeSpan wait, Func<ValueTask<bool>> settle)
    {
        try
        {
            // Of a message that is another worker's now, only that one speaks.
            if (progress is not null && !limits.LeaseLost.IsCancellationRequested)
                await progress.EndAsync(end, wait, limits.Stop);
            WorkerMetrics.JobHandled(channel.Name, outcome);
            var settling = settle().AsTask(); // an in-memory layer has settled already, and its task is a shared one
            return settling is { IsCompletedSuccessfully: true, Result: true } ? Task.CompletedTask : ObserveAsync(message, settling);
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
            return Task.CompletedTask;
        }
    }

    private static string? Cut(string? text, int length) => text is { } all && all.Length > length ? all[..length] + "…" : text;

    private async Task ObserveAsync(ReceivedMessage message, Task<bool> settling)
    {
        try
        {
            if (!await settling)
                Log.SettledTooLate(logger, message.Id, channel.Name);
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
        }
    }
}
