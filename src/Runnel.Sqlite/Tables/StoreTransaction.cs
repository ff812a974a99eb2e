using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>What a work may touch while the writer holds the file: the tables, the clock's present time, the sequence. One object serves all transactions.</summary>
internal sealed class StoreTransaction
{
    private readonly Statement _readSequence;
    private readonly Statement _writeSequence;
    private long? _sequence;
    private bool _sequenceMoved;

    public StoreTransaction(Database database, TimeSpan deadLetterRetention)
    {
        Database = database;
        _readSequence = database.Prepare(SqliteStatements.ReadSequence);
        _writeSequence = database.Prepare(SqliteStatements.WriteSequence);
        Volume = new Volume(database);
        Channels = new ChannelTable(database, this);
        Lanes = new LaneTable(database);
        Messages = new MessageTable(database, this);
        DeadLetters = new DeadLetterTable(database, this) { Retention = deadLetterRetention.Ticks };
        Deduplication = new DeduplicationTable(database);
        Topics = new TopicTable(database, this);
        Publications = new PublicationTable(database, this);
        Nodes = new NodeTable(database, this);
    }

    public Database Database { get; }

    public Volume Volume { get; }

    public ChannelTable Channels { get; }

    public LaneTable Lanes { get; }

    public MessageTable Messages { get; }

    public DeadLetterTable DeadLetters { get; }

    public DeduplicationTable Deduplication { get; }

    public TopicTable Topics { get; }

    public PublicationTable Publications { get; }

    public NodeTable Nodes { get; }

    /// <summary>The time, in UTC ticks.</summary>
    public long Now { get; private set; }

    /// <summary>Whether the other processes are to be told to look.</summary>
    public bool Rings { get; set; }

    /// <summary>When something that this transaction stored will have to be swept; <see cref="long.MaxValue"/> for never.</summary>
    public long SweepBy { get; private set; }

    public void Begin(long now)
    {
        Now = now;
        Rings = false;
        SweepBy = long.MaxValue;
        _sequence = null;
        _sequenceMoved = false;
        Channels.Begin();
    }

    /// <summary>The next number of the one sequence: never used before, larger than all before.</summary>
    public long NextNumber()
    {
        _sequence ??= _readSequence.ReadNumber() ?? 0;
        _sequenceMoved = true;
        return (_sequence = _sequence.Value + 1).Value;
    }

    public void SweepAt(long time) => SweepBy = Math.Min(SweepBy, time);

    /// <summary>Writes what was counted in memory; then the transaction may be committed.</summary>
    public void Finish()
    {
        Channels.Finish();
        if (_sequenceMoved)
            _writeSequence.Bind(1, _sequence!.Value).Run();
    }
}
