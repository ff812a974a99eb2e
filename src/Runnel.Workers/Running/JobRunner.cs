using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Running;

/// <summary>Runs one message's handler, and has the message settled by what came of it.</summary>
internal sealed class JobRunner(
    ChannelDefinition channel, HandlingRule rule, IWorkQueue queue, IWorkReceiver receiver, JobLimits limits, RunningJobs running, JobStore store, IServiceProvider services, WorkerOptions options, TimeProvider timeProvider, ILogger logger)
{
    // The queue takes nothing back, so that a request to cancel is remembered beside it.
    private readonly bool _asksBeforeItBegins = channel.Options.Cancellable && !queue.Features.HasFlag(WorkQueueFeatures.Cancel);

    private readonly JobSettler _settler = new(channel, rule, receiver, limits, options.EnableDetailedErrors is true, logger);

    /// <summary>Whether a worker has died with the message, so that it may kill this one, too. One that is put aside for it is not begun, and harmless.</summary>
    public bool IsSuspect(ReceivedMessage message) => message.Envelope.Crashes > 0 && !rule.IsPoison(message.Envelope);

    /// <summary>Takes charge of a message: from now on it is found when its job is to be cancelled.</summary>
    /// <param name="message">The message.</param>
    /// <param name="now">The timestamp of now, one for all messages that were taken together.</param>
    public JobContext Take(ReceivedMessage message, long now)
    {
        var job = new JobContext(message, limits) { TakenAt = now };
        running.Add(job);
        return job;
    }

    /// <summary>Gives a message that was taken and not begun back to the layer, as if it had never been taken.</summary>
    public async Task GiveBackAsync(JobContext job)
    {
        running.Remove(job);
        job.End();
        await receiver.AbandonAsync(job.Received, AbandonOptions.Untouched);
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
        if (job.IsCancelRequested || (_asksBeforeItBegins && await store.IsToBeCancelledAsync(job.Id, limits.Stop)))
            return await _settler.CancelAsync(message, progress);
        if (envelope.ExpiresAt is not null && await HasExpiredAsync(job))
            return await _settler.ExpireAsync(message, progress);
        if (rule.IsPoison(envelope))
            return await _settler.DeadLetterAsync(message, progress, DeadLetterReason.WorkerDied, JobOutcome.DeadLetter($"{envelope.Crashes} workers died while they held the message.") with { IsForClients = true }, null);
        if (channel.HandlerOf(envelope.Message.Type) is not { } handler)
            return await _settler.AfterUnknownTypeAsync(message, progress);

        object? body;
        try
        {
            body = handler.Read(envelope.Message, limits.Reading);
        }
        catch (Exception exception) // not only of JSON: constructors and converters throw what they like
        {
            return await _settler.DeadLetterAsync(message, progress, DeadLetterReason.Unreadable, JobOutcome.DeadLetter($"The message on channel '{channel.Name}' cannot be read as {handler.MessageType.Name}: {exception.Message}"), exception);
        }

        if (progress is not null)
            await progress.StartAsync();
        // Looked at last: whatever was asked of the layer before may have taken its time.
        if (!receiver.IsHeld)
            return _settler.GiveBackAsync(message);
        try
        {
            var result = await (WorkerMetrics.TimesJobs ? InvokeTimedAsync(handler, body, job) : InvokeAsync(handler, body, job));
            return await _settler.AfterReturnAsync(job, progress, result);
        }
        catch (Exception exception)
        {
            return await _settler.AfterFailureAsync(message, progress, job, exception);
        }
    }

    // It may have waited here, behind others. If the layer cannot say what time it is, it counts that the message was handed out in time.
    private async ValueTask<bool> HasExpiredAsync(JobContext job)
    {
        if (timeProvider.GetElapsedTime(job.TakenAt) < JobExpiry.TakenJustNow)
            return false;
        try
        {
            return await queue.GetTimeAsync(limits.Stop) >= job.Received.Envelope.ExpiresAt;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    // Only the handler: while the message is settled, the next attempt may run already.
    private async ValueTask<object?> InvokeTimedAsync(MessageHandler handler, object? body, JobContext job)
    {
        var began = timeProvider.GetTimestamp();
        try
        {
            return await InvokeAsync(handler, body, job);
        }
        finally
        {
            WorkerMetrics.JobRan(channel.Name, timeProvider.GetElapsedTime(began));
        }
    }

    // Most handlers need nothing around them: for those, and if they have completed already, nothing is made that could be waited for.
    private ValueTask<object?> InvokeAsync(MessageHandler handler, object? body, JobContext job)
    {
        if (handler.UsesServices || channel.Options.Timeout is not null || RunnelTelemetry.Activities.HasListeners())
            return InvokeWithinAsync(handler, body, job);
        var running = handler.InvokeAsync(services, body, job);
        return running.IsCompletedSuccessfully ? new(handler.ResultOf(running)) : ResultAsync(handler, running);
    }

    private async ValueTask<object?> InvokeWithinAsync(MessageHandler handler, object? body, JobContext job)
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
        JobHeaders.With(new JobStatus
        {
            Id = message.Id.ToString(),
            Channel = channel.Name.Value,
            State = JobState.Running,
            Attempt = message.Envelope.Attempt,
            CreatedAt = message.Envelope.SentAt,
            UpdatedAt = timeProvider.GetUtcNow(),
            ExpiresAt = message.Envelope.ExpiresAt,
        }, message.Envelope.Message),
        channel.Options.JobRetention,
        receiver,
        store,
        timeProvider,
        logger);
}
