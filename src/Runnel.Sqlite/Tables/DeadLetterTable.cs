using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>What is known of the dead letters beside their messages.</summary>
internal sealed class DeadLetterTable(Database database, StoreRound round, ChannelTable channels, LaneTable lanes, MessageTable messages)
{
    private readonly Statement _insert = database.Prepare(SqliteStatements.InsertDead);
    private readonly Statement _delete = database.Prepare(SqliteStatements.DeleteDead);
    private readonly Statement _revive = database.Prepare(SqliteStatements.Revive);
    private readonly Statement _list = database.Prepare(SqliteStatements.ListDead);
    private readonly Statement _findAged = database.Prepare(SqliteStatements.FindAgedDead);
    private readonly Statement _next = database.Prepare(SqliteStatements.NextDead);

    /// <summary>How long they are kept, in ticks.</summary>
    public long Retention { get; init; }

    /// <summary>When the oldest has been kept for long enough.</summary>
    public long? NextEnd => _next.ReadNumber() + Retention;

    /// <summary>Puts a message aside that a worker holds.</summary>
    /// <returns>Whether the claim was still good.</returns>
    public bool PutAside(string channelName, Claim claim, DeadLetterReason reason, string? error)
    {
        var (isDone, next) = messages.PutAside(claim, HandlingRule.CountsAttempt(reason));
        if (!isDone)
            return false;
        var channel = channels.Find(channelName)!;
        _insert.Bind(1, claim.Id).Bind(2, channel.Id).Bind(3, round.Now).Bind(4, (int)reason).Bind(5, error).Run();
        round.SweepAt(round.Now + Retention);
        messages.FreeLane(channel, claim.Lane, next);
        return true;
    }

    /// <summary>Puts dead letters at the end of their line, whatever the capacity.</summary>
    public int Replay(string channelName, DeadLetterFilter filter)
    {
        if (channels.Find(channelName) is not { } channel)
            return 0;
        var found = Select(channel, filter);
        foreach (var letter in found)
        {
            _delete.Bind(1, letter.Id).Run();
            var before = letter.Lane is { } lane ? lanes.Append(channel.Id, lane, letter.Id) : null;
            var state = messages.StateFor(before, due: 0);
            _revive.Bind(1, letter.Id).Bind(2, state).Bind(3, round.NextNumber()).Bind(4, before).Run();
            channel.GivenBack();
            channel.MadeAvailable();
        }
        return found.Count;
    }

    public int Purge(string channelName, DeadLetterFilter filter)
    {
        if (channels.Find(channelName) is not { } channel)
            return 0;
        var found = Select(channel, filter);
        foreach (var letter in found)
            Delete(letter.Id, channel, letter.IsLarge);
        return found.Count;
    }

    /// <summary>Deletes those that are older than they are kept.</summary>
    public int RemoveAged(int limit)
    {
        List<(long Id, long Channel, bool IsLarge)> found = [];
        _findAged.Bind(1, round.Now - Retention).Bind(2, limit);
        while (_findAged.Step())
            found.Add((_findAged.Number(0), _findAged.Number(1), _findAged.Number(2) != 0));
        _findAged.Reset();
        foreach (var (id, channel, isLarge) in found)
            Delete(id, channels.Get(channel), isLarge);
        return found.Count;
    }

    private void Delete(long id, ChannelRow channel, bool isLarge)
    {
        _delete.Bind(1, id).Run();
        messages.Delete(id, isLarge);
        channel.Settled();
    }

    private List<StoredDeadLetter> Select(ChannelRow channel, DeadLetterFilter filter)
    {
        List<StoredDeadLetter> found = [];
        _list.Bind(1, channel.Id);
        while (_list.Step())
        {
            var letter = StoredDeadLetter.Read(_list);
            if (filter == DeadLetterFilter.All || filter.Matches(letter.Open(channel.Name)))
                found.Add(letter with { Bytes = [] });
        }
        _list.Reset();
        return found;
    }
}
