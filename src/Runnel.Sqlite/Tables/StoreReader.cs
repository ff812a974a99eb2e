using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>Looks into the file without being in the writer's way, on a connection of its own. Thread-safe; each look is short.</summary>
internal sealed class StoreReader : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Database _database;
    private readonly Statement _listChannels;
    private readonly Statement _nextExpiry;
    private readonly Statement _findChannel;
    private readonly Statement _listDead;
    private readonly Statement _findTopic;
    private readonly Statement _firstKept;
    private readonly Statement _readHistory;

    public StoreReader(Database database)
    {
        _database = database;
        _listChannels = database.Prepare(SqliteStatements.ListChannels);
        _nextExpiry = database.Prepare(SqliteStatements.NextExpiry);
        _findChannel = database.Prepare(SqliteStatements.FindChannel);
        _listDead = database.Prepare(SqliteStatements.ListDead);
        _findTopic = database.Prepare(SqliteStatements.FindTopic);
        _firstKept = database.Prepare(SqliteStatements.FirstKept);
        _readHistory = database.Prepare(SqliteStatements.ReadHistory);
    }

    /// <summary>Whether messages have expired that are not deleted yet.</summary>
    public bool HasExpired(long now) => InSnapshot(() => _nextExpiry.ReadNumber() <= now);

    public IReadOnlyList<ChannelStatus> ListChannels(long now) => InSnapshot(() =>
    {
        List<ChannelStatus> found = [];
        _listChannels.Bind(1, now);
        while (_listChannels.Step())
        {
            DateTimeOffset? oldest = _listChannels.IsNull(6) ? null : new DateTimeOffset(_listChannels.Number(6), TimeSpan.Zero);
            found.Add(new ChannelStatus(_listChannels.Text(0)!, _listChannels.Number(1), _listChannels.Number(2),
                _listChannels.Number(3), _listChannels.Number(4), _listChannels.Number(5), oldest));
        }
        _listChannels.Reset();
        return found;
    });

    public IReadOnlyList<DeadLetter> ListDeadLetters(string channelName, DeadLetterFilter filter, int limit) => InSnapshot(() =>
    {
        List<DeadLetter> letters = [];
        if (FindChannel(channelName) is not { } channel)
            return letters;
        _listDead.Bind(1, channel);
        while (letters.Count < limit && _listDead.Step())
        {
            var letter = StoredDeadLetter.Read(_listDead).Open(channelName);
            if (filter.Matches(letter))
                letters.Add(letter);
        }
        _listDead.Reset();
        return letters;
    });

    public TopicHistory ReadHistory(string topic, Position after, int limit, long now) => InSnapshot(() =>
    {
        _findTopic.Bind(1, topic).Bind(2, now);
        var found = _findTopic.Step();
        var (epoch, latest, messages, age) = found
            ? (_findTopic.Number(0), _findTopic.Number(1), _findTopic.Number(2), _findTopic.Number(3))
            : default;
        _findTopic.Reset();
        if (!found)
            return new TopicHistory([], Position.None, IsComplete: after == Position.None, HasMore: false);

        var before = latest - messages; // what has fallen out of the history by its number, but is still there for other processes
        var oldest = now - age;
        var firstKept = _firstKept.Bind(1, topic).Bind(2, before).Bind(3, epoch).Bind(4, oldest).ReadNumber() ?? latest + 1;
        var isComplete = after == Position.None || (after.Epoch == epoch && after.Offset >= firstKept - 1 && after.Offset <= latest);
        var from = isComplete && after != Position.None ? Math.Max(after.Offset, before) : before;

        var kept = Read(topic, epoch, from, oldest, limit + 1);
        var hasMore = kept.Count > limit;
        if (hasMore)
            kept.RemoveAt(limit);
        return new TopicHistory(kept, new Position(epoch, latest), isComplete, hasMore);
    });

    public void Dispose()
    {
        lock (_lock)
            _database.Dispose();
    }

    private List<BackplaneMessage> Read(string topic, long epoch, long from, long oldest, int limit)
    {
        List<BackplaneMessage> messages = [];
        _readHistory.Bind(1, topic).Bind(2, from).Bind(3, epoch).Bind(4, oldest).Bind(5, limit);
        while (_readHistory.Step())
            messages.Add(new BackplaneMessage(new Position(epoch, _readHistory.Number(0)), _readHistory.Bytes(1).ToArray()));
        _readHistory.Reset();
        return messages;
    }

    private long? FindChannel(string name) => _findChannel.Bind(1, name).ReadNumber();

    private T InSnapshot<T>(Func<T> read)
    {
        T result = default!;
        lock (_lock)
            _database.WhenNotBusy(() => TryRead(read, out result));
        return result;
    }

    private bool TryRead<T>(Func<T> read, out T result)
    {
        _database.Execute("BEGIN");
        try
        {
            result = read();
            return true;
        }
        catch (SqliteFailure failure) when (failure.IsBusy)
        {
            result = default!;
            return false;
        }
        finally
        {
            _database.Rollback();
        }
    }
}
