namespace Runnel.Layers.Messages;

/// <summary>A time, or none, in 8 bytes. A <see cref="Nullable{T}"/> of <see cref="DateTimeOffset"/> has 24, and an envelope has three times.</summary>
internal readonly record struct OptionalTime
{
    private readonly long _ticksAndOne;

    public OptionalTime(DateTimeOffset? time) => _ticksAndOne = time is { } value ? value.UtcTicks + 1 : 0;

    public DateTimeOffset? Value => _ticksAndOne == 0 ? null : new DateTimeOffset(_ticksAndOne - 1, TimeSpan.Zero);
}
