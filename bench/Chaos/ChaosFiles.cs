using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>What the processes of a chaos run write down, in files of their own, and what the run itself says.</summary>
internal static class ChaosFiles
{
    private const string Confirmed = "confirmed-", Handled = "handled-";

    public static string ConfirmedOf(string folder, int producer) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Confirmed}{producer}"));

    public static string HandledOf(string folder, string worker) => Path.Combine(folder, Handled + worker);

    /// <summary>The numbers of all messages that were confirmed to a producer.</summary>
    public static IReadOnlyList<long> ReadConfirmed(string folder) => [.. LinesOf(folder, Confirmed).Select(line => long.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>Says what was done to the run just now, by the clock of the executions (the machine's monotonic clock).</summary>
    public static void Tell(string what) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetTimestamp()}: {what}"));

    /// <summary>The name of the worker that wrote down a message, in an execution that fits.</summary>
    public static string? FindWorker(string folder, Predicate<Execution> fits) => ReadHandled(folder).FirstOrDefault(execution => fits(execution))?.Worker;

    public static IReadOnlyList<Execution> ReadHandled(string folder) =>
        [.. Directory.EnumerateFiles(folder, Handled + "*").SelectMany(file => ReadFile(file).Select(line => Execution.Parse(line, worker: Path.GetFileName(file)[Handled.Length..])))];

    private static IEnumerable<string> LinesOf(string folder, string prefix) => Directory.EnumerateFiles(folder, prefix + "*").SelectMany(ReadFile);

    // A process that was killed may have left the beginning of a line.
    private static string[] ReadFile(string file) => File.ReadAllText(file).Split('\n')[..^1];
}
