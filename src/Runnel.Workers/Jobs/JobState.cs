using System.Text.Json.Serialization;

namespace Runnel.Workers;

/// <summary>Where a job is in its life.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobState>))]
public enum JobState
{
    /// <summary>It is not due yet.</summary>
    [JsonStringEnumMemberName("scheduled")]
    Scheduled,

    /// <summary>It waits for a worker, for the first time or again after a failure.</summary>
    [JsonStringEnumMemberName("queued")]
    Queued,

    /// <summary>A worker has it.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>It is done. Final.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>An attempt failed and another one follows.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>It was put aside as a dead letter, or expired before a worker had begun it. Final, unless somebody replays the dead letter.</summary>
    [JsonStringEnumMemberName("dead")]
    Dead,

    /// <summary>It was cancelled. Final.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}
