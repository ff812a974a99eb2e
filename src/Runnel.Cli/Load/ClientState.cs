namespace Runnel.Cli.Load;

/// <summary>Where a connection stands.</summary>
internal enum ClientState
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It connects.</summary>
    Opening,

    /// <summary>It is open.</summary>
    Open,

    /// <summary>It was cut off, and comes back.</summary>
    Away,

    /// <summary>It has ended, or could not be opened.</summary>
    Gone,
}
