using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>Messages going to workers.</summary>
internal sealed partial class MessageTable
{
    private readonly Statement _findReady = database.Prepare(SqliteStatements.FindReady);
    private readonly Statement _hasReady = database.Prepare(SqliteStatements.HasReady);
    private readonly Statement _findDue = database.Prepare(SqliteStatements.FindDue);
    private readonly Statement _nextDue = database.Prepare(SqliteStatements.NextDue);
    private readonly Statement _claim = database.Prepare(SqliteStatements.Claim);
    private readonly List<long> _due = [];

    public bool HasReady(long channel) => _hasReady.Bind(1, channel).ReadNumber() is not null;

    /// <summary>When the channel's next scheduled message falls due.</summary>
    public long? NextDue(long channel) => _nextDue.Bind(1, channel).ReadNumber();

    /// <summary>Puts what has fallen due in line, at its end.</summary>
    public void GetInLine(ChannelRow channel, int limit)
    {
        _due.Clear();
        _findDue.Bind(1, channel.Id).Bind(2, round.Now).Bind(3, limit);
        while (_findDue.Step())
            _due.Add(_findDue.Number(0));
        _findDue.Reset();
        foreach (var id in _due)
        {
            _place.Bind(1, id).Bind(2, Ready).Bind(3, round.NextNumber()).Run();
            channel.MadeAvailable();
        }
    }

    /// <summary>The first in line, to be handed out by <see cref="Take"/>.</summary>
    public List<Claim> ReadFirst(ChannelRow channel, int max)
    {
        List<Claim> claims = [];
        while (claims.Count == 0 && Read(channel, max, claims))
        {
        }
        return claims;
    }

    /// <summary>Hands out a message.</summary>
    public void Take(Claim claim, ChannelRow channel, long worker)
    {
        _claim.Bind(1, claim.Id).Bind(2, worker).Bind(3, claim.Number).Run();
        claim.Worker = worker;
        channel.Claimed();
    }

    /// <returns>Whether there was anything: it may all have expired.</returns>
    private bool Read(ChannelRow channel, int max, List<Claim> claims)
    {
        var number = round.NextNumber();
        var (any, expired) = (false, false);
        _findReady.Bind(1, channel.Id).Bind(2, max);
        while (_findReady.Step())
        {
            any = true;
            if (!_findReady.IsNull(4) && _findReady.Number(4) <= round.Now)
                expired = true;
            else
                claims.Add(ReadClaim(number));
        }
        _findReady.Reset();
        if (expired)
            RemoveExpired(max);
        for (var i = 0; i < claims.Count; i++)
        {
            if (claims[i].IsLarge)
                claims[i] = WithBytes(claims[i]);
        }
        return any;
    }

    private Claim ReadClaim(long number)
    {
        var isLarge = _findReady.IsNull(3);
        return new Claim(_findReady.Number(0), number, _findReady.Text(5), isLarge,
            isLarge ? [] : _findReady.Bytes(3).ToArray(), (int)_findReady.Number(1), (int)_findReady.Number(2), _findReady.NumberOrNull(4));
    }

    private Claim WithBytes(Claim claim)
    {
        _readLarge.Bind(1, claim.Id).Step();
        var bytes = _readLarge.Bytes(0).ToArray();
        _readLarge.Reset();
        return claim with { Bytes = bytes };
    }
}
