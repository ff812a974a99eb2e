using System.Globalization;

namespace Runnel.Sqlite.Files;

/// <summary>Who holds SQLite's lock to write, as far as the operating system says it.</summary>
internal static class LockHolder
{
    private const string Unknown = "another process";

    // The lock is on this byte of the log's index (sqlite.org/walformat.html, 2.3.1).
    private const string Byte = " 120 120";

    /// <summary>The process that keeps the others from writing, for people.</summary>
    public static string Describe(string database)
    {
        if (!OperatingSystem.IsLinux())
            return Unknown;
        try
        {
            return FindHolder(database) is > 0 and var process ? Describe(process) : Unknown;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return Unknown; // it is gone meanwhile, or belongs to somebody else
        }
    }

    // 1: POSIX  ADVISORY  WRITE 4242 fd:00:1234567 120 120
    private static int? FindHolder(string database)
    {
        if (FindIndex(database) is not { } index)
            return null;
        foreach (var line in File.ReadLines("/proc/locks"))
        {
            if (line.Contains($":{index} ", StringComparison.Ordinal) && line.EndsWith(Byte, StringComparison.Ordinal) && Split(line) is [_, "POSIX", _, "WRITE", var process, ..])
                return int.Parse(process, CultureInfo.InvariantCulture);
        }
        return null;
    }

    // The log's index is mapped into this process, so its inode is listed here: 7f00-7f80 rw-s 00000000 fd:00 1234567   /var/app.db-shm
    private static string? FindIndex(string database)
    {
        var end = $" {database}-shm";
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            if (line.EndsWith(end, StringComparison.Ordinal))
                return Split(line)[4];
        }
        return null;
    }

    // /proc/4242/stat: 4242 (shop) T 1 ...
    private static string Describe(int process)
    {
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
        var (from, to) = (stat.IndexOf('(', StringComparison.Ordinal), stat.LastIndexOf(')'));
        var what = stat[to + 2] is 'T' or 't' ? ", which is stopped (SIGSTOP or a debugger)" : "";
        return string.Create(CultureInfo.InvariantCulture, $"process {process} {stat[from..(to + 1)]}{what}");
    }

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
