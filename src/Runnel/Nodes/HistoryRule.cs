using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>What the groups whose names fit a pattern keep.</summary>
/// <param name="Groups">The pattern.</param>
/// <param name="Retention">How much; <see langword="null"/>: nothing.</param>
/// <param name="IsRequired">Whether the application does not start on a layer that cannot keep it.</param>
internal sealed record HistoryRule(Glob Groups, Retention? Retention, bool IsRequired);
