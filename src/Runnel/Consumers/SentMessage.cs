using Runnel.Layers;

namespace Runnel;

/// <summary>A message that was sent to a channel.</summary>
/// <param name="Id">The id of the message and of its job.</param>
/// <param name="IsDuplicate">Whether the message was left out, because its deduplication id had been used within its window. Then nothing has this <paramref name="Id"/>.</param>
public readonly record struct SentMessage(MessageId Id, bool IsDuplicate);
