using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Compares what was confirmed with what was handled.</summary>
internal static class Ledger
{
    private const int MostShown = 10;

    /// <param name="store">The store, in whose folder the processes have written.</param>
    /// <param name="claimsHeld">What was held by those that were killed, or when the server was.</param>
    /// <param name="outages">From when that was asked to when the server was back: what began meanwhile had been claimed, too.</param>
    /// <param name="verdict">What it says.</param>
    public static void Audit(ChaosStore store, long claimsHeld, IReadOnlyList<(long From, long To)> outages, ChaosVerdict verdict)
    {
        var confirmed = ChaosFiles.ReadConfirmed(store.Folder);
        var executions = ChaosFiles.ReadHandled(store.Folder);
        claimsHeld += executions.Count(execution => outages.Any(outage => outage.From <= execution.Began && execution.Began <= outage.To));
        var handled = executions.Select(execution => execution.Number).ToHashSet();

        verdict.Note("messages confirmed to the producer", confirmed.Count);
        verdict.Note("messages handled", handled.Count);
        verdict.AtMost("messages lost (confirmed, never handled)", confirmed.Count(number => !handled.Contains(number)), 0);
        verdict.AtMost("executions too many (allowed: claims held at the kills)", executions.Count - handled.Count, claimsHeld);
        var (reordered, repeated) = CountReordered(executions);
        verdict.AtMost("executions out of their key's order", reordered + (store.ConfirmsSettling ? repeated : 0), 0);
        if (!store.ConfirmsSettling)
            verdict.Note("… and once more, after later ones of their key, since the acknowledgement was lost", repeated);
        verdict.AtMost("executions before the message was due", executions.Count(execution => execution.LateTicks < 0), 0);
    }

    /// <summary>How soon messages that were sent after the server was there again were handled.</summary>
    public static void AuditReturns(string folder, IReadOnlyList<ServerReturn> returns, TimeSpan longest, ChaosVerdict verdict)
    {
        var executions = ChaosFiles.ReadHandled(folder);
        var times = returns.Select(back => Stopwatch.GetElapsedTime(back.At, executions.Where(execution => execution.Number > back.LastNumber).Min(execution => execution.Began))).ToList();
        Console.Error.WriteLine($"returns to work, ms: {string.Join(", ", times.Select(time => (long)time.TotalMilliseconds))}");
        verdict.Note("restarts of the server", returns.Count);
        verdict.Note("return to work after one, p50, ms", (long)times.Order().ElementAt(times.Count / 2).TotalMilliseconds);
        verdict.AtMost("slowest return to work after one, ms", (long)times.Max().TotalMilliseconds, (long)longest.TotalMilliseconds);
    }

    // A message may be handled twice, but none of its key's after the next one has begun: neither for the first time nor once more.
    private static (int Reordered, int Repeated) CountReordered(IReadOnlyList<Execution> executions)
    {
        var (reordered, repeated) = (0, 0);
        foreach (var key in executions.Where(execution => execution.Key is not null).GroupBy(execution => execution.Key))
        {
            long highest = 0;
            var seen = new HashSet<long>();
            foreach (var execution in key.OrderBy(execution => execution.Began))
            {
                var isFirst = seen.Add(execution.Number);
                if (execution.Sequence < highest && (isFirst ? reordered++ : repeated++) < MostShown)
                    Show(execution, key, $"out of order{(isFirst ? "" : " once more")}, after {highest}");
                highest = Math.Max(highest, execution.Sequence);
            }
        }
        return (reordered, repeated);
    }

    // Beside the events of the run, which say when processes and the server stood still or died, it tells who had the message when.
    private static void Show(Execution execution, IEnumerable<Execution> key, string what)
    {
        Console.Error.Write($"{what}: {execution}");
        foreach (var each in key.Where(each => each.Number == execution.Number).OrderBy(each => each.Began))
            Console.Error.Write($"  by worker {each.Worker}: {each}");
    }
}
