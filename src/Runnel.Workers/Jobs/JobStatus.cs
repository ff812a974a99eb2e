using System.Text.Json;
using System.Text.Json.Serialization;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>What is known of a tracked job at one moment.</summary>
/// <remarks>Its JSON is the same wherever it is written, whatever an application says of its own: it is read by browsers.</remarks>
public sealed record JobStatus
{
    /// <summary>The job's identity: its message's.</summary>
    [JsonPropertyName("id"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string Id { get; init; }

    /// <summary>The channel it is on.</summary>
    [JsonPropertyName("channel"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string Channel { get; init; }

    /// <summary>Where it is in its life.</summary>
    [JsonPropertyName("state"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required JobState State { get; init; }

    /// <summary>How far it is, from 0 to 1, as its consumer last reported; <see langword="null"/> before it did.</summary>
    [JsonPropertyName("progress"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? Progress { get; init; }

    /// <summary>What it is doing, as its consumer last reported.</summary>
    [JsonPropertyName("text"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Text { get; init; }

    /// <summary>Which attempt this is or was, from 1 on; 0 before the first. A dead letter's count of attempts is the same number.</summary>
    [JsonPropertyName("attempt"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int Attempt { get; init; }

    /// <summary>The last attempt's error, for whoever may see the job.</summary>
    /// <remarks>
    /// What a consumer says itself (<see cref="RetryAfterException"/>, <see cref="DeadLetterException"/>) stands here as it is; of any other exception,
    /// a neutral sentence, unless <see cref="WorkerOptions.EnableDetailedErrors"/> is set.
    /// </remarks>
    [JsonPropertyName("error"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Error { get; init; }

    /// <summary>What its consumer returned, once it succeeded.</summary>
    [JsonPropertyName("result"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Result { get; init; }

    /// <summary>When it was sent.</summary>
    [JsonPropertyName("createdAt"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this became so.</summary>
    [JsonPropertyName("updatedAt"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it expires unless a worker has begun it, by the layer's clock; <see langword="null"/>: never.</summary>
    [JsonPropertyName("expiresAt"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The last attempt's error in full, for the operator; not part of the JSON.</summary>
    [JsonIgnore]
    public string? ErrorDetail { get; init; }

    /// <summary>Whose job it is (<see cref="SendOptions.Owner"/>); not part of the JSON.</summary>
    [JsonIgnore]
    public string? Owner { get; init; }

    /// <summary>What the sender marked it with (<see cref="SendOptions.Tags"/>); not part of the JSON.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whether nothing more will come.</summary>
    [JsonIgnore]
    public bool IsFinal => State is JobState.Succeeded or JobState.Dead or JobState.Cancelled;

    /// <summary>The group whose members' clients see the job's states as they change.</summary>
    public static GroupName GroupOf(MessageId id) => $"job.{id}";
}
