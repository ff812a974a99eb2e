namespace Runnel.Sqlite.Files;

/// <summary>Every name that the layer makes outside of the database: the files beside it.</summary>
/// <remarks>
/// Beside <c>app.db</c> stands the folder <c>app.db.bell</c>. Each process has two files in it, under a name of its own that is never used again:
/// <c>NAME.lock</c>, which it holds locked for as long as it lives, and <c>NAME.sock</c>, the socket where others ring. All share <c>high.mark</c>
/// (<see cref="Files.HighMark"/>), which stays.
/// </remarks>
internal static class SqliteNames
{
    /// <summary>The version of the tables, which is the database's <c>user_version</c>.</summary>
    public const int SchemaVersion = 1;

    private const int WorkerBits = 20;

    private const string LockExtension = ".lock", SocketExtension = ".sock";

    // sockaddr_un.sun_path on Linux has 108 bytes with the closing zero.
    private const int LongestSocketPath = 107;

    public static string NewNode() => Guid.NewGuid().ToString("N")[..16];

    /// <summary>A worker's number over all processes, of its process's and its own in there.</summary>
    public static long WorkerId(long node, int number) => (node << WorkerBits) | (uint)number;

    public static string WorkerOf(string node, long worker) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{node}-{worker}");

    public static string Folder(string database) => database + ".bell";

    public static string Lock(string database, string node) => Path.Combine(Folder(database), node + LockExtension);

    public static string HighMark(string database) => Path.Combine(Folder(database), "high.mark");

    /// <summary>The socket's path; <see langword="null"/> when it is longer than a socket's may be.</summary>
    public static string? Socket(string database, string node)
    {
        var path = Path.Combine(Folder(database), node + SocketExtension);
        return System.Text.Encoding.UTF8.GetByteCount(path) <= LongestSocketPath ? path : null;
    }

    /// <summary>The nodes that have a lock file.</summary>
    public static IEnumerable<string> NodesWithFiles(string database) =>
        Directory.EnumerateFiles(Folder(database), "*" + LockExtension).Select(file => Path.GetFileNameWithoutExtension(file));

    /// <summary>Deletes what a node left beside the database.</summary>
    public static void DeleteFiles(string database, string node)
    {
        File.Delete(Path.Combine(Folder(database), node + SocketExtension));
        File.Delete(Lock(database, node));
    }
}
