namespace Runnel.Cli.Load;

/// <summary>How a message came.</summary>
internal enum Arrival
{
    /// <summary>For the first time, behind all that came before.</summary>
    InTurn,

    /// <summary>For the first time, but behind a later one of its publisher.</summary>
    Late,

    /// <summary>Not for the first time.</summary>
    Again,
}
