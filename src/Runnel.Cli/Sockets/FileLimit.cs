using System.Globalization;

namespace Runnel.Cli.Sockets;

/// <summary>Whether this process may open as many sockets as it needs. (.NET raises the soft limit to the hard one by itself.)</summary>
internal static class FileLimit
{
    private const string LimitsFile = "/proc/self/limits";
    private const string Label = "Max open files";
    private const int Others = 300; // the runtime's own files, and the publishers' connections

    /// <summary>The sentence to refuse with, if the limit of this process is too low.</summary>
    public static string? ProblemWith(int connections) => File.Exists(LimitsFile) ? ProblemWith(connections, LimitIn(File.ReadLines(LimitsFile))) : null;

    /// <summary>The sentence to refuse with, if the limit is too low.</summary>
    public static string? ProblemWith(int connections, long? limit)
    {
        var needed = connections + Others;
        return limit >= needed || limit is null
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{connections:N0} connections need {needed:N0} open files, and this process may have {limit:N0}. Raise the limit first: 'ulimit -n {needed}' in this shell if the hard limit allows it (ulimit -Hn), otherwise in /etc/security/limits.conf or with LimitNOFILE= of a systemd unit. Or ask for fewer with --connections.");
    }

    /// <summary>The soft limit in the lines of Linux' list; null for one that is unlimited.</summary>
    public static long? LimitIn(IEnumerable<string> lines)
    {
        var line = lines.First(line => line.StartsWith(Label, StringComparison.Ordinal));
        var soft = line[Label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return long.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
