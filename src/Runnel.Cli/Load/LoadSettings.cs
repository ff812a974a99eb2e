using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>What a load test does.</summary>
internal sealed record LoadSettings
{
    /// <summary>The most messages of one test: what is known of each of them is kept until the end.</summary>
    public const long MostMessages = 20_000_000;

    /// <summary>The subprotocol whose clients come back with their positions.</summary>
    public const string Recovering = "runnel.v1";

    public required Target Target { get; init; }

    public required int Connections { get; init; }

    /// <summary>The time within which the connections are opened, at even distances.</summary>
    public TimeSpan Ramp { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the test lasts, once all are connected.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How far behind its time a sender may be at the end: what it has not sent by then counts as not sent in time.</summary>
    public TimeSpan Slack { get; init; } = Pace.UsualSlack;

    /// <summary>The longest wait at the end for messages that are still on their way.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest that a handshake, or one publishing, takes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages a second, all publishers together, or all connections together.</summary>
    public double Rate { get; init; }

    /// <summary>Whether each connection sends messages that the server sends back.</summary>
    public bool IsEcho { get; init; }

    /// <summary>So many publish; 0 if nothing is published.</summary>
    public int Publishers { get; init; }

    public MessageTemplate Body { get; init; } = MessageTemplate.Default;

    /// <summary>The subprotocol to ask for.</summary>
    public string? Protocol { get; init; }

    /// <summary>The stream of a shared socket that the messages are on.</summary>
    public string? Stream { get; init; }

    /// <summary>Whether any certificate of the server's will do.</summary>
    public bool IsInsecure { get; init; }

    public IReadOnlyList<Header> Headers { get; init; } = [];

    /// <summary>Whether clients come back with their positions.</summary>
    public bool IsRecovering => Protocol == Recovering;

    /// <summary>Those who number their messages: publishers, or the connections themselves.</summary>
    public int Senders => IsEcho ? Connections : Publishers;

    /// <summary>Messages that are due within the test.</summary>
    public long Messages => Senders == 0 ? 0 : (long)Math.Ceiling(Rate * Duration.TotalSeconds);

    /// <summary>Messages that are due of one of them, at most.</summary>
    public int MessagesOfEach => Senders == 0 ? 0 : (int)((Messages + Senders - 1) / Senders);
}
