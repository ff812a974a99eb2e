namespace Runnel.Cli.Sockets;

/// <summary>What can go wrong with a connection or a message.</summary>
internal enum FaultKind
{
    /// <summary>The server could not be reached.</summary>
    Unreachable,

    /// <summary>The server answered the handshake with a status other than 101.</summary>
    Refused,

    /// <summary>Something took longer than it may.</summary>
    TimedOut,

    /// <summary>The server closed the connection, or it broke off.</summary>
    Closed,

    /// <summary>The server broke the protocol.</summary>
    Protocol,

    /// <summary>A message could not be published.</summary>
    NotPublished,

    /// <summary>A message was not sent, because too many of its connection wait already.</summary>
    NotSent,
}
