namespace Runnel.Bench;

/// <summary>What was sent, and what came of it at all clients together.</summary>
/// <param name="Sent">Messages that were confirmed to their publishers, or that reached anybody.</param>
/// <param name="Due">So many deliveries.</param>
/// <param name="Arrived">Deliveries, each message counted once for each client.</param>
/// <param name="Lost">Deliveries that are missing without a word.</param>
/// <param name="Doubled">Deliveries that came again.</param>
/// <param name="OutOfOrder">Deliveries behind a later one of the same publisher.</param>
/// <param name="LostAndTold">Deliveries that are missing where the client was told that something is.</param>
/// <param name="Told">Clients that were told so.</param>
/// <param name="Ended">Connections that ended, and not by their clients' doing.</param>
internal sealed record RecoveryAudit(int Sent, long Due, long Arrived, long Lost, long Doubled, long OutOfOrder, long LostAndTold, int Told, int Ended)
{
    public static RecoveryAudit Of(IReadOnlyList<long> confirmed, IReadOnlyList<RecoveringClient> clients)
    {
        // What a killed node had not heard of may have been sent all the same: to all, or to none.
        var sent = confirmed.Union(clients.SelectMany(client => client.Arrivals.Numbers)).ToList();
        var missing = clients.SelectMany(client => sent.Where(client.Lacks).Select(client.Arrivals.KnowsOfLoss)).ToList();
        var due = clients.GroupBy(client => client.Group).Sum(group => (long)group.Count() * sent.Count(group.Key.Owns));
        return new RecoveryAudit(
            sent.Count,
            due,
            due - missing.Count,
            missing.Count(isKnown => !isKnown),
            clients.Sum(client => client.Arrivals.Doubled),
            clients.Sum(client => client.Arrivals.OutOfOrder),
            missing.Count(isKnown => isKnown),
            clients.Count(client => client.Arrivals.Tellings > 0),
            clients.Sum(client => client.Ended));
    }
}
