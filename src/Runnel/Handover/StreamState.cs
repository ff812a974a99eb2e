namespace Runnel.Handover;

/// <summary>A stream of an adopted socket.</summary>
/// <param name="Number">Its number, which is in its address.</param>
/// <param name="Name">Its name in the frames.</param>
/// <param name="IsOver">Whether it was closed; it does not open again.</param>
/// <param name="Kept">What its consumer kept.</param>
internal sealed record StreamState(long Number, string Name, bool IsOver, byte[]? Kept);
