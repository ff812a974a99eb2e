using Microsoft.Extensions.Logging;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Tests.Recording;

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
