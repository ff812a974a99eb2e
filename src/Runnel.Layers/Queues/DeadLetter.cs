namespace Runnel.Layers;

/// <summary>A message that was put aside, kept until it is replayed, purged, or older than the layer keeps them.</summary>
/// <param name="Channel">The channel it was on.</param>
/// <param name="Envelope">The message, with its counters as they were.</param>
/// <param name="Reason">Why it was put aside.</param>
/// <param name="Error">The last error; <see langword="null"/> when there was none.</param>
/// <param name="At">When it was put aside.</param>
public sealed record DeadLetter(ChannelName Channel, Envelope Envelope, DeadLetterReason Reason, string? Error, DateTimeOffset At);
