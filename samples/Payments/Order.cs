using System.Text.Json.Serialization;

namespace Payments;

/// <summary>An order, as its visitor sees it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="State">How far its payment is.</param>
/// <param name="TransactionId">What the gateway calls the charge; <see langword="null"/> until there is one.</param>
/// <param name="Attempts">How often the gateway was asked to charge, with the present nonce.</param>
/// <param name="Error">What went wrong last.</param>
public sealed record Order(string Id, OrderState State, string? TransactionId, int Attempts, string? Error)
{
    /// <summary>The means of payment, which the gateway knows by this word only. Nobody else is told.</summary>
    [JsonIgnore]
    public string Nonce { get; init; } = "";

    /// <summary>What is to be paid.</summary>
    [JsonIgnore]
    public decimal Total { get; init; }

    /// <summary>Which nonce of the order this is: 1 for the first. What is sent for one must not be mistaken for the next one's.</summary>
    [JsonIgnore]
    public int Revision { get; init; }

    /// <summary>The visitor whose order it is; <see langword="null"/>: nobody's.</summary>
    [JsonIgnore]
    public string? Owner { get; init; }

    /// <summary>When it last changed.</summary>
    [JsonIgnore]
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>How far an order's payment is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OrderState>))]
public enum OrderState
{
    /// <summary>It waits for a worker.</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>The gateway is asked to charge, perhaps again.</summary>
    [JsonStringEnumMemberName("charging")]
    Charging,

    /// <summary>The gateway has charged, and settles with the bank.</summary>
    [JsonStringEnumMemberName("settling")]
    Settling,

    /// <summary>Done.</summary>
    [JsonStringEnumMemberName("paid")]
    Paid,

    /// <summary>The gateway said no. Final for this nonce; another one may be better.</summary>
    [JsonStringEnumMemberName("declined")]
    Declined,

    /// <summary>Its message is a dead letter: a person has to look at it.</summary>
    [JsonStringEnumMemberName("dead")]
    Dead,
}
