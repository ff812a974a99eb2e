using System.Diagnostics;
using SQLitePCL;

namespace Runnel.Sqlite.Files;

/// <summary>One connection to the file. Not thread-safe: its owner sees to that.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>SQLite's default, which Runnel keeps.</summary>
    public const int PageBytes = 4096;

    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(1);

    private readonly sqlite3 _handle;
    private readonly List<Statement> _statements = [];
    private readonly Statement? _dataVersion;
    private SqliteSynchronous _synchronous;
    private bool _waitsForDisk = true;

    static Database() => Batteries_V2.Init();

    private Database(string path, sqlite3 handle)
    {
        Path = path;
        _handle = handle;
        try
        {
            Execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA foreign_keys = OFF;");
            _dataVersion = Prepare(SqliteStatements.DataVersion);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>Whether a commit returns when the disk has it, if the options say so. Without that, only a power cut undoes it, and the next one that waits confirms it, too. Set it between transactions.</summary>
    public bool WaitsForDisk
    {
        get => _waitsForDisk;
        set
        {
            if (_waitsForDisk == value)
                return;
            if (_synchronous == SqliteSynchronous.Full)
                Execute($"PRAGMA synchronous = {(value ? "FULL" : "NORMAL")}");
            _waitsForDisk = value;
        }
    }

    /// <summary>Opens the connection that writes, and makes the file and its tables when they are not there.</summary>
    public static Database OpenForWriting(string path, SqliteSynchronous synchronous)
    {
        var database = Open(path, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);
        try
        {
            database.UseWriteAheadLog();
            database._synchronous = synchronous;
            database.Execute(synchronous == SqliteSynchronous.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            database.LimitLog(Volume.LogBytesFor(path));
            SqliteSchema.Prepare(database);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Opens a connection that looks only.</summary>
    public static Database OpenForReading(string path) => Open(path, raw.SQLITE_OPEN_READONLY);

    public Statement Prepare(string sql)
    {
        sqlite3_stmt? handle = null;
        WhenNotBusy(() => IsDone(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out handle)));
        var statement = new Statement(this, handle!);
        _statements.Add(statement);
        return statement;
    }

    public void Execute(string sql) => WhenNotBusy(() => IsDone(raw.sqlite3_exec(_handle, sql)));

    public long ReadNumber(string sql)
    {
        sqlite3_stmt? handle = null;
        WhenNotBusy(() => IsDone(raw.sqlite3_prepare_v2(_handle, sql, out handle)));
        using var statement = new Statement(this, handle!);
        return statement.Step() ? statement.Number(0) : 0;
    }

    /// <summary>Changes whenever another connection has committed something.</summary>
    public long DataVersion()
    {
        _dataVersion!.Step();
        var version = _dataVersion.Number(0);
        _dataVersion.Reset();
        return version;
    }

    /// <summary>Begins a transaction that writes.</summary>
    /// <returns><see langword="false"/> when another process is writing.</returns>
    public bool TryBegin() => IsDone(raw.sqlite3_exec(_handle, "BEGIN IMMEDIATE"));

    /// <summary>Begins a transaction that writes, and waits for its turn, bounded.</summary>
    public void Begin() => WhenNotBusy(TryBegin);

    /// <summary>Does what other processes may be in the way of, until they are not, bounded.</summary>
    public void WhenNotBusy(Func<bool> attempt)
    {
        // SQLite's own wait sleeps up to 100 ms between two tries, or a whole second, and processes that write all the time leave gaps of 1 ms:
        // one that starts beside them may lose every time.
        for (var began = Stopwatch.GetTimestamp(); !attempt(); Pause.For(BetweenTries))
        {
            if (Stopwatch.GetElapsedTime(began) > LongestTurn)
                throw new SqliteFailure($"The SQLite database '{Path}' failed: {LockHolder.Describe(Path)} kept it locked for {LongestTurn.TotalSeconds} s. End that process, or let it go on if it is stopped.", raw.SQLITE_BUSY);
        }
    }

    public void Commit() => Check(raw.sqlite3_exec(_handle, "COMMIT"));

    /// <summary>Undoes the transaction, if there is one: SQLite ends it itself after some failures.</summary>
    public void Rollback()
    {
        foreach (var statement in _statements)
            statement.Reset();
        raw.sqlite3_exec(_handle, "ROLLBACK");
    }

    public int Changes() => raw.sqlite3_changes(_handle);

    /// <summary>How many rows this connection has changed since it was opened.</summary>
    public int TotalChanges() => raw.sqlite3_total_changes(_handle);

    /// <summary>How much of the disk the log takes.</summary>
    public long LogLength() => new FileInfo(Path + "-wal") is { Exists: true } log ? log.Length : 0;

    public void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
            throw SqliteFailure.Of(Path, raw.sqlite3_extended_errcode(_handle), raw.sqlite3_errmsg(_handle).utf8_to_string());
    }

    /// <summary>Copies the log into the database and gives its room back to the disk, as far as other processes and the disk allow it.</summary>
    /// <returns>Whether the log is empty now.</returns>
    public bool TryEmptyLog() => raw.sqlite3_wal_checkpoint_v2(_handle, null, raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _) == raw.SQLITE_OK;

    // Also of what only looks: another process may be putting the file in order after one that died.
    private bool IsDone(int code)
    {
        if ((code & 0xff) == raw.SQLITE_BUSY)
            return false;
        Check(code);
        return true;
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        raw.sqlite3_close_v2(_handle);
    }

    private static Database Open(string path, int flags)
    {
        if (Directory.Exists(path))
            throw new IOException($"The SQLite database '{path}' cannot be opened: it is a folder. Name a file in it.");
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(path)))
            throw new IOException($"The SQLite database '{path}' cannot be opened: its folder does not exist. Make the folder, or name a file in another one.");
        try
        {
            var code = raw.sqlite3_open_v2(path, out var handle, flags | raw.SQLITE_OPEN_NOMUTEX, null);
            if (code != raw.SQLITE_OK)
            {
                raw.sqlite3_close_v2(handle);
                throw new SqliteFailure(raw.sqlite3_errstr(code).utf8_to_string(), code);
            }
            return new Database(path, handle);
        }
        catch (SqliteFailure failure) when (failure.IsNoDatabase)
        {
            throw new IOException($"The file '{path}' is not a SQLite database. Name another file, or move this one away.", failure);
        }
        catch (SqliteFailure failure)
        {
            throw new IOException($"The SQLite database '{path}' cannot be opened: {failure.Detail.TrimEnd('.')}. Runnel has to be able to read and write the file and its folder.", failure);
        }
    }

    // Copied into the database at this size; kept on disk up to four times of it, since to overwrite is faster than to append.
    private void LimitLog(long bytes) => Execute($"PRAGMA wal_autocheckpoint = {bytes / PageBytes}; PRAGMA journal_size_limit = {4 * bytes}");

    private void UseWriteAheadLog()
    {
        // Processes that start at once meet here.
        WhenNotBusy(() =>
        {
            var code = raw.sqlite3_exec(_handle, "PRAGMA journal_mode = WAL");
            if (code is not (raw.SQLITE_OK or raw.SQLITE_BUSY))
                throw new IOException($"The SQLite database '{Path}' cannot be opened: {raw.sqlite3_errmsg(_handle).utf8_to_string()} (code {code}). It has to be a SQLite file on a local disk that Runnel can write to.");
            return code == raw.SQLITE_OK;
        });
    }
}
