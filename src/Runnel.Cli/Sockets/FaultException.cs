namespace Runnel.Cli.Sockets;

/// <summary>Something of a load test went wrong, and is counted.</summary>
/// <param name="kind">What.</param>
/// <param name="detail">What distinguishes it within its kind: a status, a close code, a socket's error.</param>
/// <param name="sentence">What it says to a person.</param>
internal sealed class FaultException(FaultKind kind, string detail, string sentence) : Exception(sentence)
{
    public FaultKind Kind { get; } = kind;

    public string Detail { get; } = detail;

    /// <summary>The connection ended without a close frame.</summary>
    public static FaultException BrokenOff(string how) => new(FaultKind.Closed, "1006", $"The connection broke off: {how}");

    public static FaultException Protocol(string sentence) => new(FaultKind.Protocol, "", sentence);
}
