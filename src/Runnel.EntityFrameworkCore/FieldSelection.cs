namespace Runnel.EntityFrameworkCore;

/// <summary>The fields that are named, or all but those.</summary>
internal sealed record FieldSelection(bool Exclude, IReadOnlyList<string> Names);
