using System.Text.Json;
using System.Text.Json.Serialization;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>What is known of a tracked job at one moment.</summary>
public sealed record JobStatus
{
    /// <summary>The job's identity: its message's.</summary>
    public required string Id { get; init; }

    /// <summary>The channel it is on.</summary>
    public required string Channel { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required JobState State { get; init; }

    /// <summary>How far it is, from 0 to 1, as its consumer last reported; <see langword="null"/> before it did.</summary>
    public double? Progress { get; init; }

    /// <summary>What it is doing, as its consumer last reported.</summary>
    public string? Text { get; init; }

    /// <summary>Which attempt this is, from 1 on; 0 before the first.</summary>
    public int Attempt { get; init; }

    /// <summary>The last attempt's error.</summary>
    public string? Error { get; init; }

    /// <summary>What its consumer returned, once it succeeded.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>When it was sent.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this became so.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Whether nothing more will come.</summary>
    [JsonIgnore]
    public bool IsFinal => State is JobState.Succeeded or JobState.Dead or JobState.Cancelled;

    /// <summary>The group whose members' clients see the job's states as they change.</summary>
    public static GroupName GroupOf(MessageId id) => $"job.{id}";
}
