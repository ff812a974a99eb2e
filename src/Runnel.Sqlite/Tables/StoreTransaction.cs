using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>What a work may touch while the writer holds the file: the tables, put together. One object serves all transactions.</summary>
internal sealed class StoreTransaction
{
    public StoreTransaction(Database database, TimeSpan deadLetterRetention)
    {
        Database = database;
        Round = new StoreRound(database);
        DiskRoom = new DiskRoom(database);
        Channels = new ChannelTable(database, Round);
        var lanes = new LaneTable(database);
        Messages = new MessageTable(database, Round, Channels, lanes);
        DeadLetters = new DeadLetterTable(database, Round, Channels, lanes, Messages) { Retention = deadLetterRetention.Ticks };
        Deduplication = new DeduplicationTable(database);
        Topics = new TopicTable(database, Round);
        Publications = new PublicationTable(database, Round, DiskRoom, Topics);
        Nodes = new NodeTable(database, Round, Messages, Topics);
    }

    public Database Database { get; }

    public StoreRound Round { get; }

    public DiskRoom DiskRoom { get; }

    public ChannelTable Channels { get; }

    public MessageTable Messages { get; }

    public DeadLetterTable DeadLetters { get; }

    public DeduplicationTable Deduplication { get; }

    public TopicTable Topics { get; }

    public PublicationTable Publications { get; }

    public NodeTable Nodes { get; }

    /// <summary>The time, in UTC ticks.</summary>
    public long Now => Round.Now;

    public void Begin(long now)
    {
        Round.Begin(now);
        Channels.Begin();
    }

    /// <summary>Writes what was counted in memory; then the transaction may be committed.</summary>
    public void Finish()
    {
        Channels.Finish();
        Round.Finish();
    }
}
