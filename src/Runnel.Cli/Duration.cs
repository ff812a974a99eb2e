using System.Globalization;

namespace Runnel.Cli;

/// <summary>Durations as people write them: <c>500ms</c>, <c>5s</c>, <c>10m</c>, <c>2h</c>, <c>1d</c>, <c>00:00:05</c>.</summary>
internal static class Duration
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    // Milliseconds first: "5ms" ends in an s, too.
    private static readonly (string Sign, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    /// <exception cref="FormatException">The text is not a duration, or the duration is longer than ten years.</exception>
    public static TimeSpan Parse(string text) => Find(text) is { } duration && duration >= TimeSpan.Zero && duration <= Longest
        ? duration
        : throw new FormatException($"'{text}' is not a duration. Write 500ms, 5s, 10m, 2h, 1d or 00:00:05; the longest is {Longest.Days}d.");

    /// <summary>The duration in its largest unit: <c>42s</c>, <c>3h</c>.</summary>
    public static string Describe(TimeSpan duration)
    {
        var (sign, length) = Units.LastOrDefault(unit => duration >= unit.Length, Units[0]);
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (long)(duration / length))}{sign}");
    }

    private static TimeSpan? Find(string text)
    {
        foreach (var (sign, length) in Units)
        {
            if (!text.EndsWith(sign, StringComparison.Ordinal))
                continue;
            return double.TryParse(text[..^sign.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) && count <= Longest / length
                ? length * count
                : null;
        }
        // With a colon: a bare number would be days to .NET.
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var duration) ? duration : null;
    }
}
