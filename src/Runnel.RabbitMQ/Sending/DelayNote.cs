using System.Globalization;

namespace Runnel.RabbitMQ.Sending;

/// <summary>What a delayed message carries to the relay.</summary>
/// <param name="By">Whose clock <paramref name="From"/> is read from: a <see cref="ProcessClock.Id"/>.</param>
/// <param name="From">From when on <paramref name="Left"/> counts, in microseconds of that clock: when the message was sent, and its step was over.</param>
/// <param name="Left">How much of the delay is left then, in milliseconds.</param>
/// <param name="To">The queue that it goes to after its delay.</param>
internal readonly record struct DelayNote(string By, long From, long Left, string To)
{
    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    public static bool TryParse(string? text, out DelayNote note)
    {
        note = default;
        if (text?.Split(' ', 4) is not [var by, var at, var rest, var to]
            || !long.TryParse(at, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var from)
            || !long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var left))
            return false;
        note = new DelayNote(by, from, left, to);
        return true;
    }

    /// <summary>One text, since each header costs the broker more than its bytes.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{By} {From} {Left} {To}");
}
