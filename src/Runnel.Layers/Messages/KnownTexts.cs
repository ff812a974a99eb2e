using System.Text;

namespace Runnel.Layers.Messages;

/// <summary>The texts that nearly every message repeats, such as the names of channels and of message types: each is one string for all messages.</summary>
/// <remarks>Bounded: of two texts that share a place, the one that came last is known. Thread-safe without a lock, since a place only ever holds a whole string.</remarks>
internal sealed class KnownTexts
{
    private const int Places = 256, Longest = 128;

    private readonly string?[] _texts = new string?[Places];

    public string Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > Longest)
            return Encoding.UTF8.GetString(utf8);
        ref var place = ref _texts[(utf8.Length + (utf8[0] * 3) + (utf8[utf8.Length / 2] * 5) + (utf8[^1] * 7)) % Places];
        var known = place;
        return known is not null && Ascii.Equals(utf8, known) ? known : place = Encoding.UTF8.GetString(utf8);
    }
}
