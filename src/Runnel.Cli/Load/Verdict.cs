namespace Runnel.Cli.Load;

/// <summary>Whether every message of every publisher arrived once and in order at every socket, and what did not.</summary>
/// <param name="IsGood">Whether nothing at all went wrong.</param>
/// <param name="Reasons">What went wrong, a sentence each.</param>
/// <param name="Due">Deliveries that should have been.</param>
/// <param name="Arrived">Deliveries, each message counted once for each socket.</param>
/// <param name="Lost">Deliveries that are missing, and the client was not told.</param>
/// <param name="LostAndTold">Deliveries that are missing where the client was told that something is.</param>
/// <param name="Doubled">Deliveries that came again.</param>
/// <param name="OutOfOrder">Deliveries that came behind a later one of the same publisher.</param>
/// <param name="Unexpected">Messages of this run at sockets for which they were not.</param>
/// <param name="ConnectionsAffected">Connections that lack something.</param>
/// <param name="Examples">Some of what happened where.</param>
/// <param name="MoreExamples">How many more there are.</param>
internal sealed record Verdict(
    bool IsGood, IReadOnlyList<string> Reasons, long Due, long Arrived, long Lost, long LostAndTold, long Doubled, long OutOfOrder, long Unexpected,
    int ConnectionsAffected, IReadOnlyList<string> Examples, long MoreExamples);
