namespace Runnel.Bench;

/// <summary>What one way of running the application needed in one round of the echo or of the group.</summary>
/// <param name="P50">Milliseconds from before a message is sent until a socket has it.</param>
/// <param name="P99">The same.</param>
/// <param name="Front">CPU time of the process with the sockets, in microseconds for each message that a socket received.</param>
/// <param name="Worker">That of the worker; 0 if there is none.</param>
/// <param name="Server">That of the layer's server; 0 if that is not known.</param>
internal sealed record SplitRound(double P50, double P99, double Front, double Worker, double Server)
{
    /// <summary>That of the application, in however many processes it runs.</summary>
    public double Application => Front + Worker;
}
