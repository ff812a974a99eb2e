namespace Runnel.Bench;

/// <summary>What one target needed in one round at one rate.</summary>
/// <param name="P50">Milliseconds from before the call that publishes to a socket's receipt.</param>
/// <param name="P99">The same.</param>
/// <param name="Publisher">CPU time of the node that publishes, in microseconds for each message.</param>
/// <param name="Subscriber">That of the node that holds the sockets.</param>
/// <param name="Server">That of the layer's server; 0 if that is not known.</param>
/// <param name="Lost">Deliveries that never came.</param>
internal sealed record ScaleOutRound(double P50, double P99, double Publisher, double Subscriber, double Server, long Lost);
