using System.Text.Json;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Running;

/// <summary>Settles one message by what came of its handler, and lets those know who follow the job.</summary>
/// <remarks>
/// Each method completes when the message may be settled, and hands back the settling, which nobody has to wait for. Neither throws: what cannot be
/// settled is handed out again when the lease ends.
/// </remarks>
internal sealed class JobSettler(ChannelDefinition channel, HandlingRule rule, IWorkReceiver receiver, JobLimits limits, bool showsExceptions, ILogger logger)
{
    private const string Neutral = "The attempt failed; the log of its worker says why.";
    private const string Succeeded = "succeeded";
    private const string Lost = "lost";
    private const int MaxError = 2_000;
    private const int MaxDetail = 16_000;

    // For less than this, another worker may have the message before its state is published, which is tried for a while.
    private static readonly TimeSpan LongRest = TimeSpan.FromMinutes(1);

    /// <summary>The message may be another worker's by now: it is not begun, and given back if it turns out that it is not.</summary>
    public async Task GiveBackAsync(ReceivedMessage message)
    {
        try
        {
            await receiver.AbandonAsync(message, AbandonOptions.Untouched);
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
        // A worker that leaves, or that lost its lease so that other workers have its messages, proves nothing about the message.
        if (exception is OperationCanceledException && !job.IsTimedOut && (limits.Stop.IsCancellationRequested || limits.LeaseLost.IsCancellationRequested))
            return SettleAsync(message, progress, JobOutcome.Reschedule(TimeSpan.Zero, null), null);

        var failures = message.Envelope.Attempt + 1;
        var outcome = exception switch
        {
            DeadLetterException => JobOutcome.DeadLetter(exception.Message) with { IsForClients = true },
            JobArgumentException => JobOutcome.DeadLetter(exception.Message),
            RetryAfterException retry => JobOutcome.Retry(retry.Delay, exception.Message) with { IsForClients = true },
            OperationCanceledException when job.IsTimedOut => JobOutcome.Retry(Rest(failures), $"It took longer than {channel.Options.Timeout}.") with { IsForClients = true },
            _ => JobOutcome.Retry(Rest(failures), $"{exception.GetType().Name}: {exception.Message}"),
        };
        return SettleAsync(message, progress, outcome, exception);
    }

    /// <summary>Nobody here handles messages of its type. It is tried again: while a new version is rolled out, the next worker may know the type.</summary>
    public ValueTask<Task> AfterUnknownTypeAsync(ReceivedMessage message, JobProgress? progress)
    {
        var error = $"No consumer of channel '{channel.Name}' handles messages of type '{message.Envelope.Message.Type}' here; it has consumers for: {string.Join(", ", channel.Types)}.";
        return SettleAsync(message, progress, JobOutcome.Retry(Rest(message.Envelope.Attempt + 1), error), null, DeadLetterReason.UnknownType);
    }

    private TimeSpan Rest(int failures) => channel.Options.Retry.DelayAfter(failures, Random.Shared.NextDouble());

    private ValueTask<Task> SettleAsync(
        ReceivedMessage message, JobProgress? progress, JobOutcome outcome, Exception? exception, DeadLetterReason whenExhausted = DeadLetterReason.AttemptsExhausted)
    {
        if (outcome.Delay is not { } delay)
            return DeadLetterAsync(message, progress, DeadLetterReason.Rejected, outcome, exception);
        var attempts = message.Envelope.Attempt + (outcome.CountsAttempt ? 1 : 0);
        if (outcome.CountsAttempt && rule.IsLastAttempt(message.Envelope))
            return DeadLetterAsync(message, progress, whenExhausted, outcome, exception);
        var (error, detail) = (Shown(outcome), Cut(outcome.Error, MaxError));
        ValueTask<bool> AbandonAsync() => receiver.AbandonAsync(message, new AbandonOptions { Delay = delay, CountsAttempt = outcome.CountsAttempt, Body = outcome.Body });
        var end = outcome.CountsAttempt
            ? new JobEnd("retried", status => status with { State = JobState.Failed, Attempt = attempts, Error = error, ErrorDetail = detail }, AbandonAsync)
            {
                Rest = delay,
                ComesBack = true,
                Log = () => Log.JobFailed(logger, exception, message.Id, channel.Name, attempts, delay, detail),
            }
            : new JobEnd("rescheduled", status => status with { State = delay > TimeSpan.Zero ? JobState.Scheduled : JobState.Queued, Error = error, ErrorDetail = detail }, AbandonAsync)
            {
                Rest = delay,
                ComesBack = true,
            };
        return EndAsync(message, progress, end);
    }

    private ValueTask<Task> CompleteAsync(ReceivedMessage message, JobProgress? progress, object? result) =>
        progress is null ? new(Complete(message)) : CompleteTrackedAsync(message, progress, result);

    // What becomes of nearly every message, so without anything that only the others need.
    private Task Complete(ReceivedMessage message)
    {
        try
        {
            return Observe(message, Succeeded, receiver.CompleteAsync(message));
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
            return Task.CompletedTask;
        }
    }

    private ValueTask<Task> CompleteTrackedAsync(ReceivedMessage message, JobProgress progress, object? result)
    {
        var (written, error, detail) = Write(result);
        return EndAsync(message, progress, new JobEnd(
            Succeeded, status => status with { State = JobState.Succeeded, Progress = 1, Error = error, ErrorDetail = detail, Result = written }, () => receiver.CompleteAsync(message)));
    }

    // The work is done, and doing it again would not make its result one that can be written.
    private (JsonElement? Written, string? Error, string? Detail) Write(object? result)
    {
        try
        {
            return (result is null ? null : JsonSerializer.SerializeToElement(result, limits.Json), null, null);
        }
        catch (Exception exception)
        {
            var detail = $"The job's result, a {result!.GetType().Name}, cannot be written as JSON: {exception.Message}";
            return (null, showsExceptions ? detail : "The job's result cannot be written as JSON.", detail);
        }
    }

    /// <summary>Nobody wants the job any more.</summary>
    public ValueTask<Task> CancelAsync(ReceivedMessage message, JobProgress? progress) =>
        EndAsync(message, progress, new JobEnd("cancelled", status => status with { State = JobState.Cancelled }, () => receiver.CompleteAsync(message))
        {
            Log = () => Log.JobCancelled(logger, message.Id, channel.Name),
        });

    /// <summary>Nobody began the job in time.</summary>
    public ValueTask<Task> ExpireAsync(ReceivedMessage message, JobProgress? progress) =>
        EndAsync(message, progress, new JobEnd("expired", status => JobExpiry.Expired(status with { Attempt = message.Envelope.Attempt }), () => receiver.CompleteAsync(message))
        {
            Log = () => Log.JobExpired(logger, message.Id, channel.Name),
        });

    /// <summary>Puts the message aside.</summary>
    public ValueTask<Task> DeadLetterAsync(ReceivedMessage message, JobProgress? progress, DeadLetterReason reason, JobOutcome outcome, Exception? exception)
    {
        var error = outcome.Error;
        // As the layer counts them (IWorkReceiver.DeadLetterAsync): the log, the job's state and the dead letter say the same.
        var attempts = message.Envelope.Attempt + (HandlingRule.CountsAttempt(reason) ? 1 : 0);
        var detail = Cut(exception is null ? error : $"{error}\n{exception}", MaxDetail);
        return EndAsync(message, progress, new JobEnd(
            "dead", status => status with { State = JobState.Dead, Attempt = attempts, Error = Shown(outcome), ErrorDetail = Cut(error, MaxError) }, () => receiver.DeadLetterAsync(message, reason, detail))
        {
            Log = () => Log.JobDead(logger, exception, message.Id, channel.Name, attempts, reason, error),
        });
    }

    // The state is published first and the message settled then: a crash in between repeats the job, and never leaves a page waiting for an end that
    // will not come. If the layer for states is away, the state follows when the message is settled: if it is not, the job runs again, and the next attempt tells its end. Of a message that may be another worker's, the layer is asked first: only the worker that has it speaks of it. One that comes back soon may have been handled by then.
    private async ValueTask<Task> EndAsync(ReceivedMessage message, JobProgress? progress, JobEnd end)
    {
        try
        {
            var isHeld = receiver.IsHeld;
            if (isHeld)
                end.Log?.Invoke();
            if (isHeld && (progress is null || await progress.EndAsync(end.State, end.Rest, () => receiver.IsHeld, limits.Stop)))
                return progress is { EndIsLate: true } ? PublishLaterAsync(progress, ObserveAsync(message, end.Name, end.Settle().AsTask())) : Observe(message, end.Name, end.Settle());
            if (!await ObserveAsync(message, end.Name, end.Settle().AsTask()))
                return Task.CompletedTask;
            if (!isHeld)
                end.Log?.Invoke();
            if (progress is not null && (!end.ComesBack || end.Rest >= LongRest))
            {
                await progress.EndAsync(end.State, end.Rest, static () => true, limits.Stop);
                progress.PublishLater();
            }
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
        }
        return Task.CompletedTask;
    }

    private static async Task PublishLaterAsync(JobProgress progress, Task<bool> settling)
    {
        if (await settling)
            progress.PublishLater();
    }

    // What a consumer says on purpose is for whoever follows the job; what went wrong in it may name servers, files and people.
    private string? Shown(JobOutcome outcome) => showsExceptions || outcome.IsForClients || outcome.Error is null ? Cut(outcome.Error, MaxError) : Neutral;

    private static string? Cut(string? text, int length) => text is { } all && all.Length > length ? all[..length] + "…" : text;

    // An in-memory layer has settled already, and its task is a shared one.
    private Task Observe(ReceivedMessage message, string end, ValueTask<bool> settling)
    {
        if (settling is not { IsCompletedSuccessfully: true, Result: true })
            return ObserveAsync(message, end, settling.AsTask());
        WorkerMetrics.JobHandled(channel.Name, end);
        return Task.CompletedTask;
    }

    private async Task<bool> ObserveAsync(ReceivedMessage message, string end, Task<bool> settling)
    {
        try
        {
            var wasOurs = await settling;
            WorkerMetrics.JobHandled(channel.Name, wasOurs ? end : Lost);
            if (!wasOurs)
                Log.SettledTooLate(logger, message.Id, channel.Name);
            return wasOurs;
        }
        catch (Exception exception)
        {
            Log.SettlingFailed(logger, exception, message.Id, channel.Name);
            return false;
        }
    }
}
