namespace Runnel.Layers;

/// <summary>A value that is remembered.</summary>
/// <param name="Position">Its place among the values of its name: a later one has a larger offset.</param>
/// <param name="Value">The value.</param>
public readonly record struct StateValue(Position Position, ReadOnlyMemory<byte> Value);
