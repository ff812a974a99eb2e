using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>Messages going in, and going out of the table for good without having been handled.</summary>
internal sealed partial class MessageTable(Database database, StoreRound round, ChannelTable channels, LaneTable lanes)
{
    private const int Ready = 0, Claimed = 1, Blocked = 2, Scheduled = 3;

    // What is larger stands in a table of its own: a page of the walked one would hold nothing else.
    private const int LargeBytes = 64 * 1024;

    private readonly Statement _insert = database.Prepare(SqliteStatements.InsertMessage);
    private readonly Statement _insertLarge = database.Prepare(SqliteStatements.InsertLarge);
    private readonly Statement _readLarge = database.Prepare(SqliteStatements.ReadLarge);
    private readonly Statement _deleteLarge = database.Prepare(SqliteStatements.DeleteLarge);
    private readonly Statement _delete = database.Prepare(SqliteStatements.DeleteMessage);
    private readonly Statement _readDue = database.Prepare(SqliteStatements.ReadDue);
    private readonly Statement _place = database.Prepare(SqliteStatements.Place);
    private readonly Statement _findByUid = database.Prepare(SqliteStatements.FindByUid);
    private readonly Statement _findExpired = database.Prepare(SqliteStatements.FindExpired);
    private readonly Statement _nextExpiry = database.Prepare(SqliteStatements.NextExpiry);
    private readonly List<(long Id, long Channel, string? Lane, bool IsLarge)> _found = [];

    /// <summary>When the next message expires.</summary>
    public long? NextExpiry => _nextExpiry.ReadNumber();

    public void Insert(ChannelRow channel, NewMessage message)
    {
        var id = round.NextNumber();
        var before = message.Key is { } lane ? lanes.Append(channel.Id, lane, id) : null;
        var state = StateFor(before, message.Due);
        var isLarge = message.Bytes.Length > LargeBytes;
        Span<byte> uid = stackalloc byte[16];
        message.Id.Value.TryWriteBytes(uid, bigEndian: true, out _);

        _insert.Bind(1, id).Bind(2, channel.Id).Bind(3, state).Bind(4, message.Due).Bind(5, message.Attempt).Bind(6, message.Crashes)
            .Bind(7, message.Expires).Bind(8, message.Key).Bind(9, uid).Bind(11, before).Bind(12, message.Sent);
        if (isLarge)
            _insert.BindNull(10).Run();
        else
            _insert.Bind(10, message.Bytes).Run();
        if (isLarge)
            _insertLarge.Bind(1, id).Bind(2, message.Bytes).Run();

        channel.Added();
        if (state != Blocked)
            channel.MadeAvailable();
        if (message.Expires is { } expires)
            round.SweepAt(expires);
    }

    /// <summary>Takes back the messages with this identity that no worker has.</summary>
    public bool Cancel(ChannelRow channel, ReadOnlySpan<byte> uid) => Withdraw(_findByUid.Bind(1, uid).Bind(2, channel.Id).Bind(3, round.Now)) > 0;

    /// <summary>Removes messages that nobody took in time.</summary>
    public int RemoveExpired(int limit)
    {
        var count = Withdraw(_findExpired.Bind(1, round.Now).Bind(2, limit));
        LayerTelemetry.MessagesExpired(count);
        return count;
    }

    /// <summary>Where a message belongs that comes into the line, behind another one of its key or not.</summary>
    internal int StateFor(long? before, long due)
    {
        if (before is not null)
            return Blocked;
        return due > round.Now ? Scheduled : Ready;
    }

    /// <summary>The head of a lane is settled: the next one takes its place.</summary>
    internal void FreeLane(ChannelRow channel, string? lane, long? next)
    {
        if (lane is null)
            return;
        if (next is null)
        {
            lanes.Delete(channel.Id, lane);
            return;
        }
        var due = _readDue.Bind(1, next.Value).ReadNumber() ?? 0;
        _place.Bind(1, next.Value).Bind(2, due > round.Now ? Scheduled : Ready).Bind(3, round.NextNumber()).Run();
        channel.MadeAvailable();
    }

    /// <summary>Deletes a message's row and, of a large one, its bytes. The caller counts.</summary>
    internal void Delete(long id, bool isLarge)
    {
        _delete.Bind(1, id).Run();
        DeleteLarge(id, isLarge);
    }

    private void DeleteLarge(long id, bool isLarge)
    {
        if (isLarge)
            _deleteLarge.Bind(1, id).Run();
    }

    private int Withdraw(Statement find)
    {
        _found.Clear();
        while (find.Step())
            _found.Add((find.Number(0), find.Number(1), find.Text(2), find.Number(3) != 0));
        find.Reset();
        foreach (var (id, channelId, lane, isLarge) in _found)
        {
            var channel = channels.Get(channelId);
            if (lane is not null)
                LeaveLane(channel, lane, id);
            Delete(id, isLarge);
            channel.Removed();
        }
        return _found.Count;
    }

    /// <summary>A message leaves its lane unhandled. Whether it is blocked is asked only now: those removed before it may have freed it.</summary>
    private void LeaveLane(ChannelRow channel, string lane, long id)
    {
        var (next, previous, state) = lanes.Read(id);
        if (state == Blocked)
            lanes.Unlink(channel.Id, lane, next, previous!.Value);
        else
            FreeLane(channel, lane, next);
    }
}
