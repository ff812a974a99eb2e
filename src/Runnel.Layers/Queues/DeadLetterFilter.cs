namespace Runnel.Layers;

/// <summary>Which dead letters of a channel are meant; everything that is set has to fit.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>All of them.</summary>
    public static DeadLetterFilter All { get; } = new();

    /// <summary>Only this one.</summary>
    public MessageId? Id { get; init; }

    /// <summary>Only messages of this type.</summary>
    public string? Type { get; init; }

    /// <summary>Only those put aside for this reason.</summary>
    public DeadLetterReason? Reason { get; init; }

    /// <summary>Whether the dead letter is meant.</summary>
    public bool Matches(DeadLetter letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        return (Id is null || Id == letter.Envelope.Id)
            && (Type is null || Type == letter.Envelope.Message.Type)
            && (Reason is null || Reason == letter.Reason);
    }
}
