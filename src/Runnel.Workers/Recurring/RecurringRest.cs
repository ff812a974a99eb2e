namespace Runnel.Workers.Recurring;

/// <summary>How long recurring messages rest before the layer's clock is looked at again: timers do not notice when it is set, and to look is a trip to the layer.</summary>
internal static class RecurringRest
{
    public static TimeSpan Shortest { get; } = TimeSpan.FromSeconds(1);

    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The rest before a tick: half of what is left to it, since clocks and timers drift apart.</summary>
    public static TimeSpan Before(TimeSpan left) => Shorter(left, left / 2 > Longest ? Longest : left / 2 > Shortest ? left / 2 : Shortest);

    /// <summary>The rest after one more failure.</summary>
    public static TimeSpan Longer(TimeSpan rest) => Shorter(rest * 2, Longest);

    public static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
