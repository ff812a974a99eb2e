using Runnel.Layers;

namespace Runnel;

/// <summary>A message that was sent to a channel.</summary>
/// <param name="Id">Its identity, and that of its job.</param>
/// <param name="IsDuplicate">Whether it was not stored, because its deduplication id had been used within its window; then nothing has this identity.</param>
public readonly record struct SentMessage(MessageId Id, bool IsDuplicate);
