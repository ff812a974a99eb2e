using SQLitePCL;

namespace Runnel.Sqlite.Files;

/// <summary>SQLite refused something: a full or broken disk, a file that is not a database.</summary>
internal sealed class SqliteFailure(string message, int code) : IOException(message)
{
    /// <summary>Whether another process was in the way: trying again helps.</summary>
    public bool IsBusy { get; } = (code & 0xff) == raw.SQLITE_BUSY;

    /// <summary>Whether the disk has no room for it, or for the index of the log, which is a file of its own: trying again helps when it has.</summary>
    public bool IsFull { get; } = IsFullCode(code);

    /// <summary>Whether the file is of another kind.</summary>
    public bool IsNoDatabase { get; } = (code & 0xff) == raw.SQLITE_NOTADB;

    /// <summary>What SQLite says, without the file's name.</summary>
    public string Detail { get; private init; } = message;

    /// <summary>Whether Runnel itself refused it, before it changed anything.</summary>
    public bool IsRefusal { get; private init; }

    public static SqliteFailure Refusal(string path, string detail) => new(FullMessage(path, detail), raw.SQLITE_FULL) { IsRefusal = true };

    public static SqliteFailure Of(string path, int code, string detail) =>
        new(IsFullCode(code) ? FullMessage(path, $"{detail} (code {code})") : $"The SQLite database '{path}' failed: {detail} (code {code}).", code) { Detail = $"{detail} (code {code})" };

    private static string FullMessage(string path, string detail) => $"The disk of the SQLite database '{path}' is full: {detail}. Make room on it; nothing has to be restarted.";

    private static bool IsFullCode(int code) => (code & 0xff) == raw.SQLITE_FULL || code == raw.SQLITE_IOERR_SHMSIZE;
}
