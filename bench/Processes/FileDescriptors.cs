using System.Globalization;

namespace Runnel.Bench;

/// <summary>Whether a process may open as many sockets as the run needs. (.NET raises the soft limit to the hard one by itself.)</summary>
internal static class FileDescriptors
{
    private const int Others = 300;

    public static void Require(int connections)
    {
        var needed = connections + Others;
        if (Limit() is { } limit && limit < needed)
            throw new BenchException(string.Create(
                CultureInfo.InvariantCulture,
                $"{connections:N0} connections need {needed:N0} file descriptors in each process, and only {limit:N0} are allowed: raise the limit first (`ulimit -n {needed}`) or ask for fewer (`--connections`)."));
    }

    private static long? Limit()
    {
        const string Label = "Max open files";
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(Label, StringComparison.Ordinal));
        var soft = line[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return long.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
