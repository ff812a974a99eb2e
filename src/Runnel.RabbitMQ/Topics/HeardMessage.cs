namespace Runnel.RabbitMQ.Topics;

/// <summary>A message as a node hears it.</summary>
/// <param name="Payload">The encoded envelope; <see langword="null"/> when the message only tells how many there have been.</param>
/// <param name="Publisher">Who numbers its messages; 0 where nobody does.</param>
/// <param name="Number">The message's number among those of the publisher and the topic, or that of the last before it.</param>
internal readonly record struct HeardMessage(ReadOnlyMemory<byte>? Payload, long Publisher = 0, long Number = 0);
