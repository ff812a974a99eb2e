namespace Runnel.Layers;

/// <summary>A message as it comes off a backplane.</summary>
/// <param name="Position">Its place in the topic's history; <see cref="Layers.Position.None"/> when it was published without retention.</param>
/// <param name="Payload">The encoded envelope. It stays valid and unchanged for as long as anybody holds it.</param>
public readonly record struct BackplaneMessage(Position Position, ReadOnlyMemory<byte> Payload);
