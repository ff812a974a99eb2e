namespace Runnel;

/// <summary>The codes with which Runnel closes connections (RFC 6455 §7.4.1), and what a client makes of them.</summary>
public static class CloseCode
{
    /// <summary>All is done.</summary>
    public const int Normal = 1000;

    /// <summary>The client broke the protocol.</summary>
    public const int ProtocolError = 1002;

    /// <summary>The consumer does not take this kind of data: binary to a JSON consumer.</summary>
    public const int UnsupportedData = 1003;

    /// <summary>No code was given; never sent.</summary>
    public const int None = 1005;

    /// <summary>The connection broke off without a close; never sent.</summary>
    public const int Abnormal = 1006;

    /// <summary>The content is not what it should be: text that is no UTF-8, a message that is no JSON.</summary>
    public const int InvalidPayload = 1007;

    /// <summary>The client broke a rule, such as the rate of its messages. It should not come back as it is.</summary>
    public const int PolicyViolation = 1008;

    /// <summary>A message is larger than the endpoint takes.</summary>
    public const int MessageTooBig = 1009;

    /// <summary>The consumer failed.</summary>
    public const int InternalError = 1011;

    /// <summary>The node leaves; come back, to another one perhaps.</summary>
    public const int ServiceRestart = 1012;

    /// <summary>The client could not keep up and was cut; come back and recover.</summary>
    public const int TryAgainLater = 1013;

    /// <summary>Whether an application may close with the code: 1000, one of those above that are sent, or 3000–4999.</summary>
    public static bool CanBeSent(int code) => code is >= 1000 and <= 1014 and not 1004 and not None and not Abnormal or >= 3000 and <= 4999;
}
