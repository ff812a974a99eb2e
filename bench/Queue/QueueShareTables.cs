using System.Globalization;

namespace Runnel.Bench;

/// <summary>What a message costs with the server's part, and the shares of it that are aimed at.</summary>
internal static class QueueShareTables
{
    private static readonly string[] Names = [QueueRun.OneCaller, QueueRun.ManyCallers, QueueRun.Bulk, QueueRun.Process];

    /// <summary>The CPU time of the process and of the server, target by target.</summary>
    public static MarkdownTable CpuOf(QueueResults results)
    {
        var table = new MarkdownTable("what", "Runnel", $"{results.Server}, for Runnel", "bare loop", $"{results.Server}, for it", results.PeerName, $"{results.Server}, for it");
        foreach (var name in Names)
            table.Add([name, .. CellsOf(results.CostsOf(name)), .. CellsOf(results.CostsOf(QueueRun.BareOf(name))), .. CellsOf(results.CostsOf(QueueRun.PeerOf(name)))]);
        return table;
    }

    /// <summary>The shares of the bare loop's rates and of the peer's CPU time, taken within each round.</summary>
    public static MarkdownTable SharesOf(QueueResults results, double bareRate, double peerCpu)
    {
        var table = new MarkdownTable("what", "share", "goal", "met");
        foreach (var name in (string[])[QueueRun.ManyCallers, QueueRun.Process])
        {
            var share = Spread.Of(results.CostsOf(name).Zip(results.CostsOf(QueueRun.BareOf(name)), (mine, theirs) => mine.PerSecond / theirs.PerSecond));
            table.Add($"{name}: rate ÷ bare loop's", share.ToString("F2"), $"≥ {Number(bareRate)}", share.Median >= bareRate ? "yes" : "no");
        }
        if (PeerCpuOf(results) is { } cpu)
            table.Add($"stored by 128 callers and processed: CPU with {results.Server}'s ÷ {results.PeerName}'s", cpu.ToString("F2"), $"≤ {Number(peerCpu)}", cpu.Median <= peerCpu ? "yes" : "no");
        return table;
    }

    private static Spread? PeerCpuOf(QueueResults results)
    {
        var theirs = JobsOf(QueueRun.PeerOf);
        return theirs.Count == 0 ? null : Spread.Of(JobsOf(static name => name).Zip(theirs, (mine, other) => mine / other));

        List<double> JobsOf(Func<string, string> nameOf) =>
            [.. results.CostsOf(nameOf(QueueRun.ManyCallers)).Zip(results.CostsOf(nameOf(QueueRun.Process)), (stored, processed) => Whole(stored) + Whole(processed))];
    }

    private static double Whole(Cost cost) => cost.CpuMicroseconds + cost.ServerMicroseconds;

    private static string[] CellsOf(IReadOnlyList<Cost> costs) =>
        costs.Count == 0 ? ["", ""] : [Spread.Of(costs.Select(cost => cost.CpuMicroseconds)).ToString("F1"), Spread.Of(costs.Select(cost => cost.ServerMicroseconds)).ToString("F1")];

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
