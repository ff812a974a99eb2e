using System.Globalization;

namespace Runnel.Bench;

/// <summary>The promises, and whether they were kept.</summary>
internal sealed class ChaosVerdict(string durability)
{
    private readonly MarkdownTable _table = new("what", "counted", "allowed", "kept");

    public bool IsKept { get; private set; } = true;

    public void Note(string what, long counted) => _table.Add(what, Number(counted), "", "");

    public void AtMost(string what, long counted, long allowed)
    {
        IsKept &= counted <= allowed;
        _table.Add(what, Number(counted), allowed == 0 ? "0" : "≤ " + Number(allowed), counted <= allowed ? "yes" : "NO");
    }

    public void Exactly(string what, long counted, long wanted)
    {
        IsKept &= counted == wanted;
        _table.Add(what, Number(counted), Number(wanted), counted == wanted ? "yes" : "NO");
    }

    public BenchReport Report(ChaosSettings settings) => new BenchReport(
        "Chaos",
        $"{settings.Workers} worker processes and one producer on one store ({durability}); workers killed with SIGKILL {settings.Kills} times, each stopped for the moment that it takes to read what it holds; seed {settings.Seed}.")
        .Add("The ledger", _table);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
