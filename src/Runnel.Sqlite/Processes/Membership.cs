using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Processes;

/// <summary>This process among those that share the file: its row, its lock, its bell.</summary>
internal sealed class Membership : IAsyncDisposable
{
    private readonly NodeLock _lock;

    private Membership(string name, NodeLock nodeLock, Bell bell)
    {
        Name = name;
        _lock = nodeLock;
        Bell = bell;
    }

    public long Id { get; private set; }

    public string Name { get; }

    public Bell Bell { get; }

    /// <summary>Joins under a new name. Inside a transaction: what others do not see as a row yet, they do not see as a stray file either.</summary>
    public static Membership Join(StoreTransaction transaction, Action<byte> onRing)
    {
        var path = transaction.Database.Path;
        var name = SqliteNames.NewNode();
        Directory.CreateDirectory(SqliteNames.Folder(path));
        DeleteStrayFiles(transaction, path);
        var nodeLock = NodeLock.Take(SqliteNames.Lock(path, name));
        var self = new Membership(name, nodeLock, new Bell(SqliteNames.Socket(path, name), onRing));
        try
        {
            self.Id = transaction.Nodes.Add(name);
            return self;
        }
        catch
        {
            self.Abandon();
            throw;
        }
    }

    /// <summary>The transaction failed, so there is no such process: the next one that joins finds the files and deletes them.</summary>
    public void Abandon()
    {
        Bell.Close();
        _lock.Dispose();
    }

    /// <summary>Stops listening and lets go of the lock; the files stay.</summary>
    public async ValueTask DisposeAsync()
    {
        await Bell.DisposeAsync().ConfigureAwait(false);
        _lock.Dispose();
    }

    private static void DeleteStrayFiles(StoreTransaction transaction, string path)
    {
        var known = transaction.Nodes.List().Select(node => node.Name).ToHashSet();
        foreach (var name in SqliteNames.NodesWithFiles(path).Where(name => !known.Contains(name)))
        {
            if (NodeLock.IsFree(SqliteNames.Lock(path, name)))
                SqliteNames.DeleteFiles(path, name);
        }
    }
}
