namespace Runnel.InMemory.Stored;

/// <summary>When something is due: at a time of day, or when so much time has passed.</summary>
/// <param name="Ticks">The time.</param>
/// <param name="IsOfDay">Whether it moves when somebody sets the clock.</param>
/// <remarks>The default has always been due.</remarks>
internal readonly record struct Moment(long Ticks, bool IsOfDay)
{
    public static Moment Never => new(Stored.Ticks.Never, false);

    /// <summary>A time of day, or another moment when there is none.</summary>
    public static Moment At(DateTimeOffset? time, Moment otherwise) => time is { } value ? new(value.UtcTicks, true) : otherwise;

    /// <summary>So much later than now.</summary>
    public static Moment After(long now, TimeSpan by) => new(Stored.Ticks.Later(now, by), false);
}
