using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>What the names of new channels may begin with.</summary>
internal static class ChannelPrefix
{
    // So that there is room for the node and the channel behind it.
    private const int MaxLength = 33;

    /// <exception cref="ArgumentException">The prefix has other characters, or more than 33 of them.</exception>
    public static void Check(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (!GroupName.IsValid(prefix) || prefix.Length > MaxLength)
            throw new ArgumentException($"'{prefix}' cannot begin a channel's name: a prefix has 1 to {MaxLength} characters out of A–Z, a–z, 0–9, '-', '_' and '.'.", nameof(prefix));
    }
}
