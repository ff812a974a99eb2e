namespace Runnel.Bench;

/// <summary>Something that goes wrong while messages flow.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Title">What happens.</param>
/// <param name="StrikeAsync">Makes it happen, and returns when it is over.</param>
internal sealed record RecoveryFault(string Name, string Title, Func<FaultRun, CancellationToken, Task> StrikeAsync)
{
    private static readonly RecoveryFault ClientCut = new("client-cut", "every client is cut off for a while", (run, token) => run.CutClientsAsync(token));
    private static readonly RecoveryFault NodeKill = new("node-kill", "kill -9 of a node, which comes back later", (run, token) => run.KillNodeAsync(token));
    private static readonly RecoveryFault ServerKill = new("server-kill", "kill -9 of Redis, which comes back with its file", (run, token) => run.KillServerAsync(token));
    private static readonly RecoveryFault Replica = new("replica", "kill -9 of Redis, and a replica that lacks the end takes over", (run, token) => run.ReplaceServerAsync(token));
    private static readonly RecoveryFault SlowClient = new("slow-client", "a tenth of the clients reads nothing for a while", (run, token) => run.StallClientsAsync(token));

    public static IReadOnlyList<string> Names { get; } = [ClientCut.Name, NodeKill.Name, ServerKill.Name, Replica.Name, SlowClient.Name];

    /// <summary>Whether some messages cannot arrive everywhere: what is missing must be told then.</summary>
    public bool LosesMessages => this == Replica;

    /// <summary>Whether its clients cannot keep up, and are sent away.</summary>
    public bool IsSlow => this == SlowClient;

    /// <summary>Whether there is a replica.</summary>
    public bool HasReplica => this == Replica;

    /// <summary>Those that a store can have.</summary>
    public static IEnumerable<RecoveryFault> On(QueueStore store) => store is RedisQueueStore { Redis.Own: not null }
        ? [ClientCut, NodeKill, ServerKill, Replica, SlowClient]
        : [ClientCut, NodeKill, SlowClient];

    /// <summary>Whether what came of it is what is promised.</summary>
    public bool IsKept(RecoveryAudit audit) =>
        audit.Sent > 0 && audit is { Lost: 0, Doubled: 0, OutOfOrder: 0 } && audit.LostAndTold > 0 == LosesMessages && (!IsSlow || audit.Ended > 0);
}
