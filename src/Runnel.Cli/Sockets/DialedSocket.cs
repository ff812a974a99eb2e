namespace Runnel.Cli.Sockets;

/// <summary>A WebSocket that has just been opened.</summary>
/// <param name="Stream">What carries it.</param>
/// <param name="Rest">What the server said behind its answer to the handshake.</param>
internal readonly record struct DialedSocket(Stream Stream, byte[] Rest);
