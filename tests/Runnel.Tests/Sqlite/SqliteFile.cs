using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

/// <summary>A database file of one test, and the stores that the test opened on it: each stands for a process.</summary>
internal sealed class SqliteFile(TimeProvider timeProvider) : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");
    private readonly List<SqliteStore> _stores = [];

    public string Path => System.IO.Path.Combine(_folder.FullName, "queue.db");

    public SqliteStore Open(Action<SqliteOptions>? configure = null)
    {
        var options = new SqliteOptions { Path = Path };
        configure?.Invoke(options);
        var store = SqliteStore.Open(options, timeProvider, NullLogger<SqliteStore>.Instance);
        _stores.Add(store);
        return store;
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
}
