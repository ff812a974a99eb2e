using System.Globalization;

namespace Runnel.Workers.Recurring;

/// <summary>One tick of a recurring message.</summary>
/// <param name="At">When.</param>
/// <param name="Era">How many times the clock had been set back before: tells a tick from the one of the same time before that.</param>
internal sealed record RecurringTick(DateTimeOffset At, int Era)
{
    /// <summary>What <see cref="ToString"/> wrote.</summary>
    public static RecurringTick Parse(string text)
    {
        var parts = text.Split(' ');
        return new RecurringTick(DateTimeOffset.Parse(parts[0], CultureInfo.InvariantCulture), parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
    }

    /// <summary>What its message is deduplicated by: the same on all nodes.</summary>
    public string IdOf(string name) => $"recurring:{name}:{At.ToUnixTimeMilliseconds()}" + (Era == 0 ? "" : $":{Era}");

    /// <summary>Whether it is the other tick, or one that comes after it.</summary>
    public bool IsAtOrAfter(RecurringTick other) => Era > other.Era || (Era == other.Era && At >= other.At);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{At:O} {Era}");
}
