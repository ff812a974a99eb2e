namespace Runnel.Sqlite.Files;

/// <summary>The volume that the file lies on.</summary>
internal static class Volume
{
    /// <summary>The smallest size at which the log is copied.</summary>
    public const long SmallestLog = 64 * Database.PageBytes;

    private const long LargestLog = 4000 * Database.PageBytes;

    // The log may take one part in so many of the volume.
    private const int LogShare = 8;

    /// <summary>The size at which SQLite's log is copied into the database: smaller on a small volume, which it would fill otherwise.</summary>
    public static long LogBytesFor(string path) => Read(path, static drive => drive.TotalSize) is > 0 and var total
        ? Math.Clamp(total / LogShare, SmallestLog, LargestLog)
        : LargestLog;

    /// <summary>How much room there is; <see langword="null"/> when the file system does not say. Then SQLite says it when it fails.</summary>
    public static long? FreeBytesFor(string path) => Read(path, static drive => drive.TotalSize > 0 ? drive.AvailableFreeSpace : null);

    private static long? Read(string path, Func<DriveInfo, long?> read)
    {
        try
        {
            return read(new DriveInfo(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
