namespace Runnel.Sqlite;

/// <summary>SQLite refused something: a full or broken disk, a file that is none of its.</summary>
internal sealed class SqliteFailure(string message, int code) : IOException(message)
{
    /// <summary>Whether another process was in the way: trying again helps.</summary>
    public bool IsBusy { get; } = (code & 0xff) == SQLitePCL.raw.SQLITE_BUSY;
}
