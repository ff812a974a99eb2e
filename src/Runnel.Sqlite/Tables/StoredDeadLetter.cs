using Runnel.Layers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>A row of <see cref="SqliteStatements.ListDead"/>.</summary>
internal sealed record StoredDeadLetter(long Id, long At, DeadLetterReason Reason, string? Error, int Attempt, int Crashes, Guid Uid, string? Lane, bool IsLarge, byte[] Bytes, long? Expires)
{
    public static StoredDeadLetter Read(Statement row) => new(row.Number(0), row.Number(1), (DeadLetterReason)row.Number(2), row.Text(3), (int)row.Number(4), (int)row.Number(5),
        new Guid(row.Bytes(6), bigEndian: true), row.Text(7), row.Number(8) != 0, row.Bytes(9).ToArray(), row.NumberOrNull(10));

    public DeadLetter Open(ChannelName channel) => new(channel, Decode(), Reason, Error, new DateTimeOffset(At, TimeSpan.Zero));

    private Envelope Decode()
    {
        try
        {
            return EnvelopeBytes.Decode(Bytes, Attempt, Crashes, Expires);
        }
        catch (FormatException)
        {
            // Put aside because nobody here could read it. The operator has to see it nevertheless, to purge it or to replay it to a newer node.
            return new Envelope(new Message("unreadable", Bytes)) { Id = new MessageId(Uid), Attempt = Attempt, Crashes = Crashes };
        }
    }
}
