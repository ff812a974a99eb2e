using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The channels that a transaction has touched.</summary>
internal sealed class ChannelTable(Database database, StoreRound round)
{
    private readonly Statement _find = database.Prepare(SqliteStatements.FindChannel);
    private readonly Statement _findById = database.Prepare(SqliteStatements.FindChannelById);
    private readonly Statement _insert = database.Prepare(SqliteStatements.InsertChannel);
    private readonly Statement _update = database.Prepare(SqliteStatements.UpdateChannel);
    private readonly Statement _delete = database.Prepare(SqliteStatements.DeleteChannel);
    private readonly Dictionary<string, ChannelRow?> _byName = [];
    private readonly Dictionary<long, ChannelRow> _byId = [];

    public void Begin()
    {
        _byName.Clear();
        _byId.Clear();
    }

    /// <summary>Whether the channel was looked for in this transaction.</summary>
    public bool IsTouched(string name) => _byName.ContainsKey(name);

    public ChannelRow? Find(string name)
    {
        if (!_byName.TryGetValue(name, out var row))
            _byName[name] = row = Read(_find.Bind(1, name));
        return row;
    }

    /// <summary>How many messages count against the channel's capacity.</summary>
    public long HeldIn(string name) => Find(name)?.Held ?? 0;

    public ChannelRow GetOrAdd(string name)
    {
        if (Find(name) is { } row)
            return row;
        row = new ChannelRow(round.NextNumber(), name, held: 0, total: 0, wanted: false);
        _insert.Bind(1, row.Id).Bind(2, name).Run();
        _byName[name] = _byId[row.Id] = row;
        return row;
    }

    public ChannelRow Get(long id)
    {
        if (!_byId.TryGetValue(id, out var row))
        {
            row = Read(_findById.Bind(1, id)) ?? throw new InvalidOperationException($"The database '{database.Path}' has messages of a channel {id} that it does not know.");
            _byName[row.Name] = row;
        }
        return row;
    }

    /// <summary>All channels are gone.</summary>
    public void Flushed() => Begin();

    public void Finish()
    {
        foreach (var row in _byName.Values)
        {
            if (row is not { IsChanged: true })
                continue;
            round.Rings |= row.ConcernsOthers;
            // Those who wait for room look again, and say again that they wait, if there is not enough.
            var wanted = row.Wanted && !row.ConcernsOthers;
            if (row.Total == 0)
                _delete.Bind(1, row.Id).Run();
            else
                _update.Bind(1, row.Id).Bind(2, row.Held).Bind(3, row.Total).Bind(4, wanted ? 1 : 0).Run();
        }
    }

    private ChannelRow? Read(Statement statement)
    {
        ChannelRow? row = null;
        if (statement.Step())
            row = new ChannelRow(statement.Number(0), statement.Text(4)!, statement.Number(1), statement.Number(2), statement.Number(3) != 0);
        statement.Reset();
        if (row is not null)
            _byId[row.Id] = row;
        return row;
    }
}
