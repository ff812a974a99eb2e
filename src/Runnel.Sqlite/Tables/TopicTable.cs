using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The topics that have a history, and who subscribes to which. A history goes on in its epoch while it holds or somebody listens.</summary>
internal sealed class TopicTable(Database database, StoreRound round)
{
    private readonly Statement _find = database.Prepare(SqliteStatements.FindTopic);
    private readonly Statement _write = database.Prepare(SqliteStatements.WriteTopic);
    private readonly Statement _forget = database.Prepare(SqliteStatements.ForgetTopics);
    private readonly Statement _keep = database.Prepare(SqliteStatements.KeepTopics);
    private readonly Statement _letGo = database.Prepare(SqliteStatements.LetGoOfTopic);
    private readonly Statement _letGoOfAll = database.Prepare(SqliteStatements.LetGoOfTopics);
    private readonly Statement _beginEpochOfHistories = database.Prepare(SqliteStatements.BeginEpochOfHistories);
    private readonly Statement _beginEpochOfTopics = database.Prepare(SqliteStatements.BeginEpochOfTopics);
    private readonly Statement _nextEnd = database.Prepare(SqliteStatements.NextTopicEnd);
    private readonly Statement _addInterest = database.Prepare(SqliteStatements.AddInterest);
    private readonly Statement _removeInterest = database.Prepare(SqliteStatements.RemoveInterest);
    private readonly Statement _removeInterests = database.Prepare(SqliteStatements.RemoveInterests);
    private readonly Statement _hasOtherInterest = database.Prepare(SqliteStatements.HasOtherInterest);

    /// <summary>When the next history ends.</summary>
    public long? NextEnd => _nextEnd.ReadNumber();

    /// <summary>Adds a message to a topic's history.</summary>
    /// <returns>Its place, and which places have fallen out of the history for it: from the first to the last.</returns>
    public (Position Position, long FirstOut, long LastOut) Append(string topic, Retention retention)
    {
        _find.Bind(1, topic).Bind(2, round.Now);
        var (epoch, latest, messages) = _find.Step()
            ? (_find.Number(0), _find.Number(1), _find.Number(2))
            : (NewEpoch(), 0, retention.Messages);
        _find.Reset();

        var until = Ticks.Later(round.Now, retention.PositionAge);
        _write.Bind(1, topic).Bind(2, epoch).Bind(3, ++latest).Bind(4, retention.Messages).Bind(5, retention.Age.Ticks).Bind(6, until).Run();
        round.SweepAt(until);

        // One for each that comes in, and more when the history was longer until now.
        var lastOut = latest - retention.Messages;
        return (new Position(epoch, latest), Math.Min(lastOut, latest - messages), lastOut);
    }

    /// <summary>The latest position of a topic; <see cref="Position.None"/> when it has no history.</summary>
    public Position Latest(string topic)
    {
        _find.Bind(1, topic).Bind(2, round.Now);
        var latest = _find.Step() ? new Position(_find.Number(0), _find.Number(1)) : Position.None;
        _find.Reset();
        return latest;
    }

    /// <summary>A process has its first subscriber of the topic.</summary>
    public void AddInterest(string topic, long node) => _addInterest.Bind(1, topic).Bind(2, node).Run();

    /// <summary>A process has no subscriber of the topic any more.</summary>
    public void RemoveInterest(string topic, long node)
    {
        _removeInterest.Bind(1, topic).Bind(2, node).Run();
        _letGo.Bind(1, topic).Bind(2, round.Now).Run();
        round.SweepAt(round.Now);
    }

    /// <summary>A process is gone.</summary>
    public void RemoveInterests(long node)
    {
        if (_removeInterests.Bind(1, node).RunCounting() == 0)
            return;
        _letGoOfAll.Bind(1, round.Now).Run();
        round.SweepAt(round.Now);
    }

    /// <summary>Messages of any topic may be lost. Each history goes on in a new epoch, so no position is given out twice, and who comes back to an old one is told.</summary>
    public void BeginEpoch()
    {
        var epoch = NewEpoch();
        _beginEpochOfHistories.Bind(1, epoch).Run();
        _beginEpochOfTopics.Bind(1, epoch).Run();
    }

    /// <summary>Whether another process subscribes to the topic.</summary>
    public bool HasOtherInterest(string topic, long node) => _hasOtherInterest.Bind(1, topic).Bind(2, node).ReadNumber() is not null;

    /// <summary>Forgets the histories that have ended, but for those that somebody listens to.</summary>
    public void Forget()
    {
        _forget.Bind(1, round.Now).Run();
        _keep.Bind(1, round.Now).Run();
    }

    private static long NewEpoch() => Random.Shared.NextInt64(1, long.MaxValue);
}
