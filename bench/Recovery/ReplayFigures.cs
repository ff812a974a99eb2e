namespace Runnel.Bench;

/// <summary>How long a return took, in milliseconds.</summary>
/// <param name="Where">To which node the client came back.</param>
/// <param name="Messages">How many messages it had missed.</param>
/// <param name="JoinedP50">From the first packet until it had joined.</param>
/// <param name="JoinedP99">The same.</param>
/// <param name="CaughtUpP50">From the first packet until it had all messages.</param>
/// <param name="CaughtUpP99">The same.</param>
/// <param name="Failures">How often it did not come about within ten seconds.</param>
internal sealed record ReplayFigures(string Where, int Messages, double JoinedP50, double JoinedP99, double CaughtUpP50, double CaughtUpP99, int Failures);
