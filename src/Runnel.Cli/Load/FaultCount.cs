using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>How often something went wrong.</summary>
/// <param name="Kind">What.</param>
/// <param name="Detail">A status, a close code, a socket's error.</param>
/// <param name="Count">How often.</param>
/// <param name="Example">What the first one said.</param>
internal sealed record FaultCount(FaultKind Kind, string Detail, long Count, string Example);
