using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The processes that have the file open, and their workers.</summary>
internal sealed class NodeTable(Database database, StoreRound round, MessageTable messages, TopicTable topics)
{
    private readonly Statement _list = database.Prepare(SqliteStatements.ListNodes);
    private readonly Statement _insert = database.Prepare(SqliteStatements.InsertNode);
    private readonly Statement _delete = database.Prepare(SqliteStatements.DeleteNode);
    private readonly Statement _listWorkers = database.Prepare(SqliteStatements.ListWorkers);
    private readonly Statement _insertWorker = database.Prepare(SqliteStatements.InsertWorker);
    private readonly Statement _deleteWorker = database.Prepare(SqliteStatements.DeleteWorker);
    private readonly Statement _listHolders = database.Prepare(SqliteStatements.ListHolders);

    /// <summary>Those that have the file open, or died and were not noticed yet.</summary>
    public List<(long Id, string Name)> List()
    {
        List<(long, string)> nodes = [];
        while (_list.Step())
            nodes.Add((_list.Number(0), _list.Text(1)!));
        _list.Reset();
        return nodes;
    }

    /// <summary>Those with workers that hold messages.</summary>
    public List<long> ListHolders()
    {
        List<long> nodes = [];
        while (_listHolders.Step())
            nodes.Add(_listHolders.Number(0));
        _listHolders.Reset();
        return nodes;
    }

    public long Add(string name)
    {
        var id = round.NextNumber();
        _insert.Bind(1, id).Bind(2, name).Run();
        round.Rings = true;
        return id;
    }

    /// <summary>Notes a worker, if it is not noted yet.</summary>
    public void AddWorker(long worker, long node) => _insertWorker.Bind(1, worker).Bind(2, node).Run();

    /// <summary>A worker leaves, and hands back what it holds.</summary>
    public bool RemoveWorker(long worker)
    {
        messages.HandBack(worker);
        _deleteWorker.Bind(1, worker).Run();
        return true;
    }

    /// <summary>A process leaves in order.</summary>
    public void Remove(long node)
    {
        foreach (var worker in ListWorkers(node))
            RemoveWorker(worker);
        topics.RemoveInterests(node);
        _delete.Bind(1, node).Run();
        round.Rings = true;
    }

    /// <summary>A process has died.</summary>
    /// <returns>How many messages it held.</returns>
    public int Bury(long node)
    {
        var held = 0;
        foreach (var worker in ListWorkers(node))
        {
            held += messages.HandBackDead(worker);
            _deleteWorker.Bind(1, worker).Run();
        }
        topics.RemoveInterests(node);
        _delete.Bind(1, node).Run();
        round.Rings = true;
        return held;
    }

    private List<long> ListWorkers(long node)
    {
        List<long> workers = [];
        _listWorkers.Bind(1, node);
        while (_listWorkers.Step())
            workers.Add(_listWorkers.Number(0));
        _listWorkers.Reset();
        return workers;
    }
}
