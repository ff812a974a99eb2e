using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>Messages coming back from workers, alive or dead. Each settles the claim that it was handed out under, or nothing.</summary>
internal sealed partial class MessageTable
{
    private readonly Statement _complete = database.Prepare(SqliteStatements.Complete);
    private readonly Statement _completeInLane = database.Prepare(SqliteStatements.CompleteInLane);
    private readonly Statement _giveBack = database.Prepare(SqliteStatements.GiveBack);
    private readonly Statement _replaceBody = database.Prepare(SqliteStatements.ReplaceBody);
    private readonly Statement _putAside = database.Prepare(SqliteStatements.PutAside);
    private readonly Statement _findClaimed = database.Prepare(SqliteStatements.FindClaimed);
    private readonly Statement _countCrash = database.Prepare(SqliteStatements.CountCrash);
    private readonly List<(long Id, long Channel, long Claim, long? Expires)> _claimed = [];

    public bool Complete(string channelName, Claim claim)
    {
        long? next = null;
        // RETURNING costs SQLite a temporary table.
        var settled = claim.Lane is null
            ? _complete.Bind(1, claim.Id).Bind(2, claim.Number).RunCounting() > 0
            : Settle(_completeInLane, claim.Id, claim.Number, out next);
        if (!settled)
            return false;
        var channel = channels.Find(channelName)!;
        DeleteLarge(claim.Id, claim.IsLarge);
        channel.Settled();
        FreeLane(channel, claim.Lane, next);
        return true;
    }

    /// <summary>Puts a message back: at its old place when it is due, still the head of its lane.</summary>
    public bool GiveBack(string channelName, Claim claim, long due, bool countsAttempt, byte[]? bytes)
    {
        if (!GiveBack(claim.Id, claim.Number, due, countsAttempt, claim.Expires))
            return false;
        var channel = channels.Find(channelName)!;
        channel.GivenBack();
        channel.MadeAvailable();
        if (bytes is not null)
            Replace(claim, bytes);
        return true;
    }

    /// <summary>Takes a message out of its line for good: it is dead.</summary>
    /// <returns>Whether the claim was still good, and which message is next in its lane.</returns>
    internal (bool IsDone, long? Next) PutAside(Claim claim, bool countsAttempt)
    {
        _putAside.Bind(3, countsAttempt ? 1 : 0);
        return (Settle(_putAside, claim.Id, claim.Number, out var next), next);
    }

    /// <summary>A worker leaves: what it holds is there for others, untouched.</summary>
    public void HandBack(long worker)
    {
        foreach (var (id, channelId, claim, expires) in ReadClaimed(worker))
            Return(id, claim, channels.Get(channelId), expires);
    }

    /// <summary>A worker has died: what it held is there for others, at the front, with its death counted.</summary>
    /// <returns>How many messages it held.</returns>
    public int HandBackDead(long worker)
    {
        var held = ReadClaimed(worker);
        foreach (var (id, channelId, claim, _) in held)
        {
            _countCrash.Bind(1, id).Run(); // and it no longer expires: it may have been begun in time
            Return(id, claim, channels.Get(channelId), expires: null);
        }
        return held.Count;
    }

    /// <returns>Whether the claim was still good.</returns>
    private static bool Settle(Statement statement, long id, long claim, out long? next)
    {
        var settled = statement.Bind(1, id).Bind(2, claim).Step();
        next = settled ? statement.NumberOrNull(0) : null;
        statement.Reset();
        return settled;
    }

    private List<(long Id, long Channel, long Claim, long? Expires)> ReadClaimed(long worker)
    {
        _claimed.Clear();
        _findClaimed.Bind(1, worker);
        while (_findClaimed.Step())
            _claimed.Add((_findClaimed.Number(0), _findClaimed.Number(1), _findClaimed.Number(2), _findClaimed.NumberOrNull(3)));
        _findClaimed.Reset();
        return _claimed;
    }

    private void Return(long id, long claim, ChannelRow channel, long? expires)
    {
        GiveBack(id, claim, due: 0, countsAttempt: false, expires);
        channel.GivenBack();
        channel.MadeAvailable();
    }

    private bool GiveBack(long id, long claim, long due, bool countsAttempt, long? expires)
    {
        _giveBack.Bind(1, id).Bind(2, claim).Bind(3, due > round.Now ? Scheduled : Ready).Bind(4, due).Bind(5, countsAttempt ? 1 : 0);
        if (_giveBack.RunCounting() == 0)
            return false;
        if (expires is { } time)
            round.SweepAt(time); // whoever swept while a worker had it has not seen it
        return true;
    }

    private void Replace(Claim claim, byte[] bytes)
    {
        var isLarge = bytes.Length > LargeBytes;
        _replaceBody.Bind(1, claim.Id);
        if (isLarge)
            _replaceBody.BindNull(2).Run();
        else
            _replaceBody.Bind(2, bytes).Run();
        if (isLarge)
            _insertLarge.Bind(1, claim.Id).Bind(2, bytes).Run();
        else
            DeleteLarge(claim.Id, claim.IsLarge);
    }
}
