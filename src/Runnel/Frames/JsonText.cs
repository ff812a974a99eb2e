using System.Buffers.Text;
using System.Text.Json;

namespace Runnel.Frames;

/// <summary>Reads a client's JSON, whatever the client sent.</summary>
internal static class JsonText
{
    private const byte Backslash = (byte)'\\';

    /// <summary>Reads it.</summary>
    /// <returns>Whether it is JSON. Its strings may still contain half a character (<see cref="IsText"/>).</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out JsonElement element)
    {
        element = default;
        try
        {
            element = JsonElement.Parse(utf8);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Whether every string in valid JSON is text. An escape can name half of a character (<c>\ud800</c>), which makes reading the string fail.</summary>
    public static bool IsText(ReadOnlySpan<byte> json)
    {
        // In valid JSON, backslashes are in strings only, and escapes are whole.
        for (var at = json.IndexOf(Backslash); at >= 0; at = json.IndexOf(Backslash))
        {
            json = json[at..];
            var unit = EscapedUnit(json);
            if (char.IsLowSurrogate(unit))
                return false;
            if (!char.IsHighSurrogate(unit))
            {
                json = json[2..]; // the digits of an escape have no backslash
                continue;
            }
            json = json[6..];
            if (json[0] != Backslash || !char.IsLowSurrogate(EscapedUnit(json)))
                return false;
            json = json[6..];
        }
        return true;
    }

    private static char EscapedUnit(ReadOnlySpan<byte> escape) =>
        escape[1] == 'u' && Utf8Parser.TryParse(escape[2..6], out ushort unit, out _, 'x') ? (char)unit : '\0';
}
