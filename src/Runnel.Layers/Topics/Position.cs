using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Runnel.Layers;

/// <summary>A place in a topic's history.</summary>
/// <param name="Epoch">Which history: a new one begins when the layer lost or dropped the old one. Never 0, but in <see cref="None"/>.</param>
/// <param name="Offset">How many messages that history had when this one was added: 1 for the first.</param>
public readonly record struct Position(long Epoch, long Offset)
{
    /// <summary>No position: the topic keeps no history.</summary>
    public static Position None => default;

    /// <summary>Reads what <see cref="ToString"/> wrote; what a client sends is read here, so nonsense is answered with <see langword="false"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Position position)
    {
        position = default;
        if (text is null || text.Length > 40 || text.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var colon))
            return false;
        if (!long.TryParse(text.AsSpan(0, colon), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var epoch)
            || !long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            return false;
        position = new Position(epoch, offset);
        return true;
    }

    /// <summary>The position as text: the epoch in hexadecimal, a colon, the offset.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch:x}:{Offset}");
}
