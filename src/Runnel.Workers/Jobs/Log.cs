using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>Everything this floor says. Event ids 3000–3999.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "This worker takes the channels {Channels}.")]
    public static partial void WorkerTakes(ILogger logger, string channels);

    [LoggerMessage(3002, LogLevel.Information, "This process takes no messages: it has no channel to work on, or was told not to.")]
    public static partial void WorkerIdle(ILogger logger);

    [LoggerMessage(3003, LogLevel.Warning, "Job {Id} on channel '{Channel}' failed at attempt {Attempt} and is tried again in {Delay}. {Error}")]
    public static partial void JobFailed(ILogger logger, Exception? exception, MessageId id, ChannelName channel, int attempt, TimeSpan delay, string? error);

    [LoggerMessage(3004, LogLevel.Error, "Job {Id} on channel '{Channel}' is a dead letter after {Attempts} attempts: {Reason}. {Error}")]
    public static partial void JobDead(ILogger logger, Exception? exception, MessageId id, ChannelName channel, int attempts, DeadLetterReason reason, string? error);

    [LoggerMessage(3005, LogLevel.Warning, "Worker {Worker} lost its lease: it was not heard of for too long, and other workers have its messages. It begins anew.")]
    public static partial void LeaseLost(ILogger logger, string worker);

    [LoggerMessage(3006, LogLevel.Error, "Receiving from channel '{Channel}' failed; trying again in {Delay}.")]
    public static partial void ReceiveFailed(ILogger logger, Exception exception, ChannelName channel, TimeSpan delay);

    [LoggerMessage(3007, LogLevel.Error, "The worker failed; it begins anew in {Delay}.")]
    public static partial void WorkerFailed(ILogger logger, Exception exception, TimeSpan delay);

    [LoggerMessage(3008, LogLevel.Warning, "Job {Id} on channel '{Channel}' was finished too late: its worker had lost it, and another worker has it or had it.")]
    public static partial void SettledTooLate(ILogger logger, MessageId id, ChannelName channel);

    [LoggerMessage(3009, LogLevel.Error, "Settling job {Id} on channel '{Channel}' failed; its lease's end will hand it out again.")]
    public static partial void SettlingFailed(ILogger logger, Exception exception, MessageId id, ChannelName channel);

    [LoggerMessage(3010, LogLevel.Warning, "The progress of job {Id} could not be published; the next one will be tried.")]
    public static partial void ProgressNotPublished(ILogger logger, Exception exception, MessageId id);

    [LoggerMessage(3011, LogLevel.Information, "Job {Id} on channel '{Channel}' was cancelled.")]
    public static partial void JobCancelled(ILogger logger, MessageId id, ChannelName channel);

    [LoggerMessage(3012, LogLevel.Warning, "{Count} handlers did not finish within the grace of {Grace}; they are cancelled and their messages handed back.")]
    public static partial void GraceIsOver(ILogger logger, int count, TimeSpan grace);

    [LoggerMessage(3013, LogLevel.Error, "The recurring message '{Name}' could not be put on channel '{Channel}'; it is tried again in a moment.")]
    public static partial void RecurringFailed(ILogger logger, Exception exception, string name, ChannelName channel);

    [LoggerMessage(3014, LogLevel.Information, "The recurring message '{Name}' missed ticks since {Last}; one is caught up.")]
    public static partial void RecurringCaughtUp(ILogger logger, string name, DateTimeOffset last);

    [LoggerMessage(3015, LogLevel.Warning, "A message was sent to channel '{Channel}', but no worker of this layer has taken messages from a channel of that name yet. "
        + "Is the name right? If it is, start an application that maps a consumer to it; the message waits until then.")]
    public static partial void NobodyConsumes(ILogger logger, ChannelName channel);

    [LoggerMessage(3016, LogLevel.Debug, "Whether channel '{Channel}' has consumers could not be looked up; the next message to it tries again.")]
    public static partial void ConsumersNotKnown(ILogger logger, Exception exception, ChannelName channel);

    [LoggerMessage(3030, LogLevel.Warning, "Job {Id} on channel '{Channel}' expired before a handler began it; it is dropped.")]
    public static partial void JobExpired(ILogger logger, MessageId id, ChannelName channel);

    [LoggerMessage(3031, LogLevel.Warning, "The clock was set back from {Last} to {Now}; the recurring message '{Name}' goes on from there.")]
    public static partial void RecurringClockSetBack(ILogger logger, string name, DateTimeOffset last, DateTimeOffset now);

    [LoggerMessage(3032, LogLevel.Warning, "What became of a message to channel '{Channel}' could not be noted with its deduplication id. Whoever sends the id again waits for up to {Lapse}, "
        + "and may store a second copy then.")]
    public static partial void ReservationNotSettled(ILogger logger, Exception exception, ChannelName channel, TimeSpan lapse);

    [LoggerMessage(3033, LogLevel.Error, "The layer could not be asked for the time, so no recurring message is sent; trying again in {Rest}.")]
    public static partial void RecurringClockAway(ILogger logger, Exception exception, TimeSpan rest);

    [LoggerMessage(3034, LogLevel.Error, "Job {Id} ended as {State}, but this could not be published; whoever follows the job does not see its end.")]
    public static partial void StateLost(ILogger logger, Exception? exception, MessageId id, JobState state);

    [LoggerMessage(3035, LogLevel.Error, "The recurring message '{Name}' was put on channel '{Channel}', but the layer could not remember this. It is tried again in a moment.")]
    public static partial void RecurringNotRemembered(ILogger logger, Exception exception, string name, ChannelName channel);

    [LoggerMessage(3036, LogLevel.Warning, "The end of job {Id} waits for the layer without the job's result, because the results that wait already take {MaxBytes} bytes.")]
    public static partial void ResultLost(ILogger logger, MessageId id, long maxBytes);

    [LoggerMessage(3037, LogLevel.Warning, "The layer has not confirmed what became of {Count} messages that this worker finished or handed back before it ended. "
        + "Those that the layer has not heard of are handed out again when the worker's lease ends.")]
    public static partial void LayerDoesNotConfirm(ILogger logger, int count);
}
