using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Runs one message's handler and settles the message by what came of it.</summary>
internal sealed class JobRunner(
    ChannelDefinition channel, IWorkerLease lease, JobLimits limits, RunningJobs running, JobStore store, IServiceProvider services, WorkerOptions options, TimeProvider timeProvider, ILogger logger)
{
    private const int MaxError = 2_000;
    private const int MaxDetail = 16_000;

    /// <summary>Takes charge of a message: from now on it is found when its job is to be cancelled.</summary>
    public JobContext Take(ReceivedMessage message)
    {
        var job = new JobContext(message, limits);
        running.Add(job);
        return job;
    }

    /// <summary>Gives a message that was taken and not begun back to the layer, as if it had never been taken.</summary>
    public async Task GiveBackAsync(JobContext job)
    {
        running.Remove(job);
        job.End();
        await lease.AbandonAsync(job.Received, AbandonOptions.Untouched);
    }

    /// <summary>Runs the handler; completes when the message may be settled, and hands back the settling, which nobody has to wait for.</summary>
    /// <remarks>Neither throws: what cannot be settled is handed out again when the lease ends.</remarks>
    public async ValueTask<Task> RunAsync(JobContext job)
    {
        using var progress = channel.Options.Track ? Follow(job.Received) : null;
        job.Progress = progress;
        try
        {
            return await RunAsync(job, progress);
        }
        finally
        {
            running.Remove(job);
            job.End();
        }
    }

    private async ValueTask<Task> RunAsync(JobContext job, JobProgress? progress)
    {
        var message = job.Received;
        var envelope = message.Envelope;
        if (limits.LeaseLost.IsCancellationRequested)
            return Task.CompletedTask; // it is another worker's
        if (job.IsCancelRequested)
            return await CancelAsync(message, progress);
        if (envelope.Crashes >= options.CrashLimit)
            return await DeadLetterAsync(message, progress, DeadLetterReason.WorkerDied, $"Workers died {envelope.Crashes} times in the middle of it.", null);
        if (channel.HandlerOf(envelope.Message.Type) is not { } handler)
            return await DeadLetterAsync(message, progress, DeadLetterReason.UnknownType, $"No consumer here handles messages of type '{envelope.Message.Type}'; known: {string.Join(", ", channel.Types)}.", null);

        object? body;
        try
        {
            body = handler.Read(envelope.Message, limits.Json);
        }
        catch (Exception exception) // not only of JSON: constructors and converters throw what they like
        {
            return await DeadLetterAsync(message, progress, DeadLetterReason.Unreadable, $"The body cannot be read as {handler.MessageType.Name}: {exception.Message}", null);
        }

        var began = timeProvider.GetTimestamp();
        try
        {
            if (progress is not null)
                await progress.StartAsync();
            var result = await InvokeAsync(handler, body, job);
            return await AfterReturnAsync(job, progress, result);
        }
        catch (Exception exception)
        {
            return await AfterFailureAsync(message, progress, job, exception);
        }
        finally
        {
            WorkerMetrics.JobRan(channel.Name, timeProvider.GetElapsedTime(began));
        }
    }

    private async ValueTask<object?> InvokeAsync(MessageHandler handler, object? body, JobContext job)
    {
        using var activity = StartActivity(job);
        using var timeout = channel.Options.Timeout is { } limit
            ? timeProvider.CreateTimer(static state => ((JobContext)state!).Cancel(timedOut: true), job, limit, Timeout.InfiniteTimeSpan)
            : null;
        if (!handler.UsesServices)
            return await ResultAsync(handler, handler.InvokeAsync(services, body, job));
        await using var scope = services.CreateAsyncScope();
        return await ResultAsync(handler, handler.InvokeAsync(scope.ServiceProvider, body, job));
    }

    private static async ValueTask<object?> ResultAsync(MessageHandler handler, Task running)
    {
        await running;
        return handler.ResultOf(running);
    }

    private Activity? StartActivity(JobContext job)
    {
        var activity = RunnelTelemetry.Activities.StartActivity("runnel.job", ActivityKind.Consumer, job.Headers.GetValueOrDefault("traceparent"));
        activity?.SetTag("runnel.channel", channel.Name.Value);
        activity?.SetTag("runnel.job.id", job.Id.ToString());
        return activity;
    }

    private JobProgress Follow(ReceivedMessage message) => new(
        message.Id,
        new JobStatus
        {
            Id = message.Id.ToString(),
            Channel = channel.Name.Value,
            State = JobState.Running,
            Attempt = message.Envelope.Attempt + 1,
            CreatedAt = message.Envelope.SentAt,
            UpdatedAt = timeProvider.GetUtcNow(),
        },
        channel.Options.JobRetention,
        store,
        timeProvider,
        logger);

    private ValueTask<Task> AfterReturnAsync(JobContext job, JobProgress? progress, object? result) => job.Outcome switch
    {
        null => CompleteAsync(job.Received, progress, result),
        { Delay: not null } when job.IsCancelRequested => CancelAsync(job.Received, progress), // it would only come back
        var outcome => SettleAsync(job.Received, progress, outcome, null),
    };

    private ValueTask<Task> AfterFailureAsync(ReceivedMessage message, JobProgress? progress, JobContext job, Exception exception)
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

    private ValueTask<Task> CompleteAsync(ReceivedMessage message, JobProgress? progress, object? result)
    {
        var (written, error) = progress is null ? (null, null) : Write(result);
        return EndAsync(
            message,
            progress,
            status => status with { State = JobState.Succeeded, Progress = 1, Error = error, Result = written },
            "succeeded",
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

    private ValueTask<Task> CancelAsync(ReceivedMessage message, JobProgress? progress)
    {
        Log.JobCancelled(logger, message.Id, channel.Name);
        return EndAsync(message, progress, status => status with { State = JobState.Cancelled }, "cancelled", TimeSpan.Zero, () => lease.CompleteAsync(message));
    }

    private ValueTask<Task> DeadLetterAsync(ReceivedMessage message, JobProgress? progress, DeadLetterReason reason, string? error, Exception? exception)
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
