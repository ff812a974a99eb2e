using System.Text.Json.Serialization;

namespace Runnel.Bench;

/// <summary>A message whose place in its publisher's sequence is known.</summary>
/// <param name="Number">See <see cref="Arrivals"/>.</param>
/// <param name="Filling">What makes it as large as it should be.</param>
internal sealed record SequenceMessage(long Number, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Filling = null);
