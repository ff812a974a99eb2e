namespace Runnel;

/// <summary>The codes with which Runnel closes connections (RFC 6455 §7.4.1), and what they tell the client.</summary>
public static class CloseCode
{
    /// <summary>The connection has served its purpose.</summary>
    public const int Normal = 1000;

    /// <summary>The client broke the protocol.</summary>
    public const int ProtocolError = 1002;

    /// <summary>The consumer does not take this kind of data: binary to a JSON consumer.</summary>
    public const int UnsupportedData = 1003;

    /// <summary>No code was given; never sent.</summary>
    public const int None = 1005;

    /// <summary>The connection broke off without a close; never sent.</summary>
    public const int Abnormal = 1006;

    /// <summary>The content is invalid: text that is not UTF-8, or a message that is not JSON.</summary>
    public const int InvalidPayload = 1007;

    /// <summary>The client broke a rule, such as the rate of its messages. It should not come back and do the same.</summary>
    public const int PolicyViolation = 1008;

    /// <summary>A message is larger than the endpoint takes.</summary>
    public const int MessageTooBig = 1009;

    /// <summary>The consumer failed.</summary>
    public const int InternalError = 1011;

    /// <summary>The node is stopping. The client should come back, perhaps to another node.</summary>
    public const int ServiceRestart = 1012;

    /// <summary>The client or its consumer could not keep up. The client should come back.</summary>
    public const int TryAgainLater = 1013;

    /// <summary>Whether a connection can be closed with the code: 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999.</summary>
    public static bool CanBeSent(int code) => code is >= 1000 and <= 1014 and not 1004 and not None and not Abnormal or >= 3000 and <= 4999;
}
