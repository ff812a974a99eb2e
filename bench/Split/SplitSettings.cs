namespace Runnel.Bench;

/// <param name="Layer">What lies between the gateway and the worker.</param>
/// <param name="Parts">Which of <see cref="SplitRun.Parts"/> are measured.</param>
/// <param name="Sockets">Sockets of the echo.</param>
/// <param name="Rate">Messages a second over all of them.</param>
/// <param name="Members">Sockets of the group.</param>
/// <param name="Connections">Those that only wait.</param>
/// <param name="Rounds">How often everything is measured.</param>
/// <param name="Seconds">Of the echo and of the group in a round.</param>
/// <param name="WarmUpSeconds">The same, before.</param>
internal sealed record SplitSettings(string Layer, IReadOnlyList<string> Parts, int Sockets, int Rate, int Members, int Connections, int Rounds, int Seconds, int WarmUpSeconds);
