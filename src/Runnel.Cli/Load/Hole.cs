namespace Runnel.Cli.Load;

/// <summary>Numbers that did not come.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The last.</param>
/// <param name="IsTold">Whether the client was told that something is missing here.</param>
internal readonly record struct Hole(int From, int To, bool IsTold);
