namespace Runnel.Sqlite;

/// <summary>SQLite refused something: a full or broken disk, a file that is none of its.</summary>
internal sealed class SqliteFailure(string message, int code) : IOException(message)
{
    /// <summary>SQLite's own code, without its extension.</summary>
    public int Code { get; } = code & 0xff;
}
