using Runnel.Layers;

namespace Runnel.Frames;

/// <summary>Where a message stands in the history of its group.</summary>
/// <param name="Group">The group.</param>
/// <param name="Tag">What stands for the group in positions that clients get; <see langword="null"/> for a gap in a group without history.</param>
/// <param name="Position">The message's place; for a gap, the place after which the group goes on.</param>
/// <param name="IsGap">Whether this is no message: here, messages are missing.</param>
/// <param name="IsReported">Whether it is a gap that a sender reported, which has a place of its own as a message has.</param>
internal sealed record GroupPlace(GroupName Group, string? Tag, Position Position, bool IsGap = false, bool IsReported = false)
{
    /// <summary>The position as clients get it.</summary>
    public string Text => TextOf(Tag!, Position);

    public static string TextOf(string tag, Position position) => $"{tag}.{position}";
}
