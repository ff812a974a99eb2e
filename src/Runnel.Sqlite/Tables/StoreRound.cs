using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>What the tables share in a transaction: the clock's present time, the one sequence, and what has to follow. One object serves all transactions.</summary>
internal sealed class StoreRound(Database database)
{
    private readonly Statement _readSequence = database.Prepare(SqliteStatements.ReadSequence);
    private readonly Statement _writeSequence = database.Prepare(SqliteStatements.WriteSequence);
    private long? _sequence;
    private bool _sequenceMoved;

    /// <summary>The time, in UTC ticks.</summary>
    public long Now { get; private set; }

    /// <summary>Whether the other processes are to be told to look.</summary>
    public bool Rings { get; set; }

    /// <summary>When something that this transaction stored will have to be swept; <see cref="long.MaxValue"/> for never.</summary>
    public long SweepBy { get; private set; }

    /// <summary>The last number that was taken.</summary>
    public long LastNumber => _sequence ??= _readSequence.ReadNumber() ?? 0;

    /// <summary>The last number that this transaction has taken; <see langword="null"/> if it took none.</summary>
    public long? LastTaken => _sequenceMoved ? _sequence : null;

    public void Begin(long now)
    {
        Now = now;
        Rings = false;
        SweepBy = long.MaxValue;
        _sequence = null;
        _sequenceMoved = false;
    }

    /// <summary>The next number of the one sequence: never used before, larger than all before.</summary>
    public long NextNumber()
    {
        Skip(1);
        return LastNumber;
    }

    /// <summary>Leaves numbers out, which may have been taken before.</summary>
    public void Skip(long count)
    {
        _sequence = LastNumber + count;
        _sequenceMoved = true;
    }

    public void SweepAt(long time) => SweepBy = Math.Min(SweepBy, time);

    /// <summary>Writes what was counted in memory.</summary>
    public void Finish()
    {
        if (_sequenceMoved)
            _writeSequence.Bind(1, _sequence!.Value).Run();
    }
}
