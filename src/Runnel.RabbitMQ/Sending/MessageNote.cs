using System.Globalization;

namespace Runnel.RabbitMQ.Sending;

/// <summary>What is known of a message with a key that may come back to its queue.</summary>
/// <param name="Returns">How often it will have come back then, by the broker's count; if it has come back more often, somebody died with it later.</param>
/// <param name="Crashes">How many workers will have died holding it.</param>
/// <param name="Attempts">How often it has failed.</param>
internal readonly record struct MessageNote(long Returns, int Crashes, int Attempts)
{
    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    public static bool TryParse(ReadOnlySpan<string> words, out MessageNote note)
    {
        if (words is [var first, var second, var third] && long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var returns)
            && int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var crashes) && int.TryParse(third, NumberStyles.None, CultureInfo.InvariantCulture, out var attempts))
        {
            note = new(returns, crashes, attempts);
            return true;
        }
        note = default;
        return false;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Returns} {Crashes} {Attempts}");
}
