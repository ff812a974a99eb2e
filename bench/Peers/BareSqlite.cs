using Runnel.Sqlite;
using Runnel.Sqlite.Files;

namespace Runnel.Bench;

/// <summary>One table in a file of its own, one connection, prepared statements; WAL and synchronous = FULL, as the product has them.</summary>
internal sealed class BareSqlite : IBareStore
{
    private readonly byte[] _body = new byte[BenchWork.Length];
    private readonly Lock _lock = new();
    private readonly Database _database;
    private readonly Statement _insert;
    private readonly Statement _read;
    private readonly Statement _delete;

    public BareSqlite(string path)
    {
        _database = Database.OpenForWriting(path, SqliteSynchronous.Full);
        _database.Execute("CREATE TABLE bare(id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
        _insert = _database.Prepare("INSERT INTO bare(body) VALUES (?1)");
        _read = _database.Prepare("SELECT id, body FROM bare ORDER BY id LIMIT ?1");
        _delete = _database.Prepare("DELETE FROM bare WHERE id = ?1");
    }

    public Task EnqueueAsync(int callers, int messages) => Callers.RunAsync(callers, messages, _ =>
    {
        lock (_lock)
            InTransaction(() => _insert.Bind(1, _body).Run());
        return Task.CompletedTask;
    });

    public Task EnqueueBulkAsync(int messages)
    {
        for (var left = messages; left > 0; left -= QueueHost.Batch)
        {
            InTransaction(() =>
            {
                for (var i = 0; i < QueueHost.Batch; i++)
                    _insert.Bind(1, _body).Run();
            });
        }
        return Task.CompletedTask;
    }

    public Task ProcessAsync(int messages)
    {
        var ids = new List<long>(QueueHost.Batch);
        for (var left = messages; left > 0; left -= ids.Count)
            InTransaction(() => TakeOut(ids));
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _database.Dispose();
        return ValueTask.CompletedTask;
    }

    private void TakeOut(List<long> ids)
    {
        ids.Clear();
        _read.Bind(1, QueueHost.Batch);
        while (_read.Step())
        {
            _ = _read.Bytes(1).ToArray();
            ids.Add(_read.Number(0));
        }
        _read.Reset();
        foreach (var id in ids)
            _delete.Bind(1, id).Run();
    }

    private void InTransaction(Action act)
    {
        _database.Begin();
        act();
        _database.Commit();
    }
}
