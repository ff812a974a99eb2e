namespace Runnel.Cli.Load;

/// <summary>What came of a load test. Latencies are in milliseconds.</summary>
/// <param name="Url">Where the connections led.</param>
/// <param name="IsInterrupted">Whether it was stopped before its end.</param>
/// <param name="Seconds">For how long messages were sent, or connections held.</param>
/// <param name="Connections">What came of the connections.</param>
/// <param name="Connecting">From when a connection was due until it was open.</param>
/// <param name="Latency">From when a message was due until it was at a socket.</param>
/// <param name="Sent">What was sent.</param>
/// <param name="Received">What came.</param>
/// <param name="Errors">What went wrong, by kind.</param>
/// <param name="Verdict">Whether all was well.</param>
internal sealed record LoadSummary(
    string Url, bool IsInterrupted, double Seconds, LoadSummary.ConnectionCounts Connections, LatencyFigures Connecting, LatencyFigures Latency,
    LoadSummary.SentCounts Sent, LoadSummary.ReceivedCounts Received, IReadOnlyList<FaultCount> Errors, Verdict Verdict)
{
    /// <param name="Wanted">So many there should be.</param>
    /// <param name="Opened">So many were open once.</param>
    /// <param name="Held">So many were open at the end.</param>
    /// <param name="Returns">How often one came back.</param>
    internal sealed record ConnectionCounts(int Wanted, int Opened, int Held, int Returns);

    /// <param name="Messages">So many were sent.</param>
    /// <param name="Confirmed">So many the server has for certain.</param>
    /// <param name="Failed">Of so many nobody knows, or they were refused.</param>
    /// <param name="Unsent">So many were due and not sent in time.</param>
    /// <param name="PerSecond">Confirmed messages a second.</param>
    internal sealed record SentCounts(long Messages, long Confirmed, long Failed, long Unsent, double PerSecond);

    /// <param name="Messages">WebSocket messages of any kind.</param>
    /// <param name="Bytes">Their bytes.</param>
    /// <param name="Deliveries">Messages of this test, each counted once for each socket.</param>
    /// <param name="DeliveriesPerSecond">The same in a second.</param>
    internal sealed record ReceivedCounts(long Messages, long Bytes, long Deliveries, double DeliveriesPerSecond);
}
