using Microsoft.Extensions.Logging;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Tests.Recording;
using SQLitePCL;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>A database file of one test, and the stores that the test opened on it: each stands for a process.</summary>
internal sealed class SqliteFile(TimeProvider timeProvider, string? folder = null) : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = folder is null ? Directory.CreateTempSubdirectory("runnel-") : Directory.CreateDirectory(System.IO.Path.Combine(folder, "runnel"));
    private readonly List<SqliteStore> _stores = [];

    public string Path => System.IO.Path.Combine(_folder.FullName, "queue.db");

    public RecordedLog Log { get; } = new();

    public SqliteStore Open(Action<SqliteOptions>? configure = null)
    {
        var options = new SqliteOptions { Path = Path };
        configure?.Invoke(options);
        var store = SqliteStore.Open(options, timeProvider, new Logger<SqliteStore>(new LoggerFactory([Log])));
        _stores.Add(store);
        return store;
    }

    /// <summary>Changes the database beside the stores, as an administrator might.</summary>
    public void Execute(string sql)
    {
        using var database = Database.OpenForWriting(Path, SqliteSynchronous.Normal);
        database.Execute(sql);
    }

    /// <summary>Copies the database, as it is now.</summary>
    /// <returns>The copy's path.</returns>
    public string Copy()
    {
        var copy = System.IO.Path.Combine(_folder.FullName, $"copy-{Guid.NewGuid():N}.db");
        Execute($"VACUUM INTO '{copy}'");
        return copy;
    }

    /// <summary>Puts a copy in the database's place while nobody has it open.</summary>
    public void PutBack(string copy)
    {
        foreach (var log in new[] { "-wal", "-shm" })
            File.Delete(Path + log);
        File.Copy(copy, Path, overwrite: true);
    }

    /// <summary>Writes what is in a copy into the database, as <c>.restore</c> of the sqlite3 program does, whoever has it open.</summary>
    public void Restore(string copy)
    {
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open_v2(copy, out var from, raw.SQLITE_OPEN_READONLY, null));
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open_v2(Path, out var to, raw.SQLITE_OPEN_READWRITE, null));
        using (from)
        using (to)
        {
            raw.sqlite3_busy_timeout(to, (int)Wait.Limit.TotalMilliseconds);
            using var restoring = raw.sqlite3_backup_init(to, "main", from, "main");
            Assert.Equal(raw.SQLITE_DONE, raw.sqlite3_backup_step(restoring, -1));
        }
    }

    /// <summary>Makes what changes a table in some way fail, as a broken or full disk does, until the answer is disposed.</summary>
    /// <param name="change">Such as <c>DELETE ON message</c>.</param>
    public IDisposable Break(string change)
    {
        Execute($"CREATE TRIGGER broken BEFORE {change} BEGIN SELECT RAISE(ABORT, 'broken by the test'); END");
        return new Breakage(this);
    }

    /// <summary>Counts the transactions from now on that store something, until the answer is disposed.</summary>
    public TransactionCounter CountTransactions()
    {
        Execute("CREATE TABLE counted(id INTEGER PRIMARY KEY); CREATE TRIGGER counting AFTER UPDATE ON sequence BEGIN INSERT INTO counted VALUES (NULL); END");
        return new TransactionCounter(this);
    }

    /// <summary>Counts the rows of tables.</summary>
    public long Count(params string[] tables)
    {
        using var database = Database.OpenForReading(Path);
        return tables.Sum(table => database.ReadNumber($"SELECT count(*) FROM {table}"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    internal sealed class TransactionCounter(SqliteFile file) : IDisposable
    {
        public long Count => file.Count("counted");

        public void Dispose() => file.Execute("DROP TRIGGER counting; DROP TABLE counted");
    }

    private sealed class Breakage(SqliteFile file) : IDisposable
    {
        public void Dispose() => file.Execute("DROP TRIGGER broken");
    }
}
