using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Compares what was confirmed with what was handled.</summary>
internal static class Ledger
{
    private const int MostShown = 10;

    public static void Audit(string folder, long claimsHeld, ChaosVerdict verdict)
    {
        var confirmed = ChaosFiles.ReadConfirmed(folder);
        var executions = ChaosFiles.ReadHandled(folder);
        var handled = executions.Select(execution => execution.Number).ToHashSet();

        verdict.Note("messages confirmed to the producer", confirmed.Count);
        verdict.Note("messages handled", handled.Count);
        verdict.AtMost("messages lost (confirmed, never handled)", confirmed.Count(number => !handled.Contains(number)), 0);
        verdict.AtMost("executions too many (allowed: claims held at the kills)", executions.Count - handled.Count, claimsHeld);
        verdict.AtMost("executions out of their key's order", CountReordered(executions), 0);
        verdict.AtMost("executions before the message was due", executions.Count(execution => execution.LateTicks < 0), 0);
    }

    /// <summary>How soon messages that were sent after the server was there again were handled.</summary>
    public static void AuditReturns(string folder, IReadOnlyList<ServerReturn> returns, TimeSpan longest, ChaosVerdict verdict)
    {
        var executions = ChaosFiles.ReadHandled(folder);
        var slowest = returns.Max(back => Stopwatch.GetElapsedTime(back.At, executions.Where(execution => execution.Number > back.LastNumber).Min(execution => execution.Began)));
        verdict.Note("restarts of the server", returns.Count);
        verdict.AtMost("slowest return to work after one, ms", (long)slowest.TotalMilliseconds, (long)longest.TotalMilliseconds);
    }

    // A message may be handled twice, but none of its key's after the next one has begun.
    private static int CountReordered(IReadOnlyList<Execution> executions)
    {
        var violations = 0;
        foreach (var key in executions.Where(execution => execution.Key is not null).GroupBy(execution => execution.Key))
        {
            long highest = 0;
            foreach (var execution in key.OrderBy(execution => execution.Began))
            {
                if (execution.Sequence < highest && violations++ < MostShown)
                    Console.Error.Write($"out of order, after {highest}: {execution}");
                highest = Math.Max(highest, execution.Sequence);
            }
        }
        return violations;
    }
}
