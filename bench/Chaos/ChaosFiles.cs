using System.Globalization;

namespace Runnel.Bench;

/// <summary>What the processes of a chaos run write down, in files of their own.</summary>
internal static class ChaosFiles
{
    private const string Confirmed = "confirmed-", Handled = "handled-";

    public static string ConfirmedOf(string folder, int producer) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Confirmed}{producer}"));

    public static string HandledOf(string folder, string worker) => Path.Combine(folder, Handled + worker);

    /// <summary>The numbers of all messages that were confirmed to a producer.</summary>
    public static IReadOnlyList<long> ReadConfirmed(string folder) => [.. LinesOf(folder, Confirmed).Select(line => long.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>The name of the worker that wrote down a message, in an execution that fits.</summary>
    public static string? FindWorker(string folder, Predicate<Execution> fits) => Directory.EnumerateFiles(folder, Handled + "*")
        .Where(file => ReadFile(file).Select(Execution.Parse).Any(execution => fits(execution)))
        .Select(file => Path.GetFileName(file)[Handled.Length..])
        .FirstOrDefault();

    public static IReadOnlyList<Execution> ReadHandled(string folder) => [.. LinesOf(folder, Handled).Select(Execution.Parse)];

    private static IEnumerable<string> LinesOf(string folder, string prefix) => Directory.EnumerateFiles(folder, prefix + "*").SelectMany(ReadFile);

    // A process that was killed may have left the beginning of a line.
    private static string[] ReadFile(string file) => File.ReadAllText(file).Split('\n')[..^1];
}
