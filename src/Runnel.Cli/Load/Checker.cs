using System.Globalization;

namespace Runnel.Cli.Load;

/// <summary>Judges a load test by what its sockets got.</summary>
/// <param name="sent">What was sent.</param>
/// <param name="deliveries">What came.</param>
internal sealed class Checker(SentMessages sent, Deliveries deliveries)
{
    private long _lost;
    private long _lostAndTold;
    private int _affected;

    /// <summary>Looks at everything, once.</summary>
    /// <param name="clients">The connections that were begun.</param>
    /// <param name="unsent">Messages that were due and not sent.</param>
    /// <param name="isInterrupted">Whether the test ended in the midst of what was on its way.</param>
    public Verdict Judge(IReadOnlyList<LoadClient> clients, long unsent, bool isInterrupted)
    {
        foreach (var client in clients.Where(client => client.Openings > 0))
            Look(client, isInterrupted);
        var reasons = Reasons(clients, unsent, isInterrupted).ToList();
        var (examples, more) = deliveries.Examples.Read();
        return new Verdict(
            reasons.Count == 0, reasons, deliveries.Arrived + _lost + _lostAndTold, deliveries.Arrived, _lost, _lostAndTold, deliveries.Doubled, deliveries.OutOfOrder, deliveries.Unexpected,
            _affected, examples, more);
    }

    private void Look(LoadClient client, bool isInterrupted)
    {
        var isAffected = false;
        foreach (var (publisher, sequence) in client.Conversation.Arrivals.Sequences)
        {
            // A connection that has ended counts as ended; what was sent afterwards is not owed to it.
            var owed = client.State == ClientState.Open && !isInterrupted ? sent.LastConfirmed(publisher) : 0;
            var (holes, silent, told) = sequence.MissingUpTo(owed);
            (_lost, _lostAndTold) = (_lost + silent, _lostAndTold + told);
            isAffected |= silent + told > 0;
            foreach (var hole in holes)
            {
                var count = sent.CountOwed(publisher, hole);
                if (count == 0)
                    continue;
                isAffected = true;
                if (hole.IsTold)
                    _lostAndTold += count;
                else
                    _lost += count;
                deliveries.Examples.Add(client.Number, $"{Name(hole)} of publisher {publisher + 1} did not come{(hole.IsTold ? ", and the client was told" : "")}");
            }
        }
        _affected += isAffected ? 1 : 0;
    }

    private IEnumerable<string> Reasons(IReadOnlyList<LoadClient> clients, long unsent, bool isInterrupted)
    {
        var unopened = clients.Count(client => client.Openings == 0 && !(isInterrupted && client.State == ClientState.Opening));
        var ended = clients.Count(client => client.Openings > 0 && client.State != ClientState.Open);
        (long Count, string What)[] findings =
        [
            (unopened, "connections could not be opened"),
            (ended, "connections ended before the test did"),
            (_lost, "deliveries were lost, and nobody was told"),
            (_lostAndTold, "deliveries were lost where the client was told that something is missing"),
            (deliveries.Doubled, "deliveries came twice"),
            (deliveries.OutOfOrder, "deliveries came out of order"),
            (deliveries.Unexpected, "messages came that were not sent to the connection"),
            (sent.Failed, "messages could not be sent, or nobody knows whether they were"),
            (unsent, "messages were due and were not sent in time"),
        ];
        return findings.Where(finding => finding.Count > 0).Select(finding => string.Create(CultureInfo.InvariantCulture, $"{finding.Count:N0} {finding.What}."));
    }

    private static string Name(Hole hole) => hole.From == hole.To ? $"message {hole.From}" : $"messages {hole.From} to {hole.To}";
}
