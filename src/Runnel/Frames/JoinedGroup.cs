namespace Runnel;

/// <summary>A group that a connection has joined.</summary>
/// <param name="Outcome">Whether the client has missed something.</param>
public readonly record struct JoinedGroup(JoinOutcome Outcome);
