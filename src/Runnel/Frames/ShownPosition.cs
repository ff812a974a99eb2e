namespace Runnel.Frames;

/// <summary>A position that a client says it has.</summary>
/// <param name="Stream">The stream; empty for a socket of its own.</param>
/// <param name="Position">The position.</param>
/// <param name="Seal">Its seal.</param>
internal sealed record ShownPosition(string Stream, string Position, string Seal);
