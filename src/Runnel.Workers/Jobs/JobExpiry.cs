namespace Runnel.Workers.Jobs;

/// <summary>Tells when a job has expired.</summary>
/// <remarks>
/// Nobody publishes it: the layer drops the message, perhaps while no process runs at all. So a state says when the job expires, and whoever reads it
/// concludes the end, by the clock of the layer.
/// </remarks>
internal static class JobExpiry
{
    // A worker that took the message in time may begin it until then, and the state that says so takes a moment to arrive.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>What was taken for less than this is begun without asking for the time: it had not expired when the layer handed it out.</summary>
    public static TimeSpan TakenJustNow { get; } = TimeSpan.FromSeconds(0.5);

    /// <summary>A time so much later, or the end of time.</summary>
    public static DateTimeOffset After(DateTimeOffset time, TimeSpan by) => by < DateTimeOffset.MaxValue - time ? time + by : DateTimeOffset.MaxValue;

    /// <summary>When it is certain that the job has expired, unless its state changes before; <see langword="null"/>: it cannot expire as it is now.</summary>
    public static DateTimeOffset? CertainAt(JobStatus status) =>
        status is { ExpiresAt: { } expiry, State: JobState.Scheduled or JobState.Queued or JobState.Failed } ? After(expiry, Margin) : null;

    /// <summary>The final state of a job that has expired.</summary>
    public static JobStatus Expired(JobStatus status) => status with
    {
        State = JobState.Dead,
        UpdatedAt = status.ExpiresAt > status.UpdatedAt ? status.ExpiresAt.Value : status.UpdatedAt, // not before what was told already
        Error = Sentence(status, status.Error),
        ErrorDetail = Sentence(status, status.ErrorDetail),
    };

    private static string Sentence(JobStatus status, string? before) =>
        $"It expired: no worker had begun it by {status.ExpiresAt:u}." + (before is null ? "" : $" Its last attempt had failed: {before}");
}
