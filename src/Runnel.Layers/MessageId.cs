namespace Runnel.Layers;

/// <summary>The identity of a message on a channel, and of the job that it starts: 16 bytes, ordered by time (UUID version 7, RFC 9562 §5.7).</summary>
/// <param name="Value">The identity.</param>
public readonly record struct MessageId(Guid Value)
{
    /// <summary>Makes a new one at the clock's present time.</summary>
    public static MessageId New(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return new(Guid.CreateVersion7(timeProvider.GetUtcNow()));
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string? text, out MessageId id)
    {
        var ok = Guid.TryParseExact(text, "N", out var value);
        id = new MessageId(value);
        return ok;
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("N");
}
