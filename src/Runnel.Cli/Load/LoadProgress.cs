namespace Runnel.Cli.Load;

/// <summary>How far a load test is.</summary>
/// <param name="Elapsed">For how long it has run.</param>
/// <param name="Phase">What it does.</param>
/// <param name="Open">Connections that are open.</param>
/// <param name="Connections">Connections that there should be.</param>
/// <param name="Sent">Messages sent.</param>
/// <param name="Arrived">Deliveries.</param>
/// <param name="Latency">From when a message was due until it was there.</param>
/// <param name="Faults">What went wrong so far.</param>
internal sealed record LoadProgress(TimeSpan Elapsed, string Phase, int Open, int Connections, long Sent, long Arrived, LatencyFigures Latency, long Faults);
