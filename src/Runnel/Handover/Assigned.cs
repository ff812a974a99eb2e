namespace Runnel.Handover;

/// <summary>A connection that a gateway gives to this worker.</summary>
internal sealed record Assigned(
    long Connection, int Owner, string Endpoint, HandoverFormat.Traits Traits, long FirstStream, int StreamNumbers, byte[]? Kept, IReadOnlyList<StreamState> Streams, ReadOnlyMemory<byte> Scope)
{
    /// <summary>Reads what <see cref="ToWorker.Assignment"/> wrote behind the version.</summary>
    /// <exception cref="FormatException">It cannot be read.</exception>
    public static Assigned Read(long connection, int owner, ref WireReader reader)
    {
        var (endpoint, traits, first, numbers, kept) = (reader.Text(), (HandoverFormat.Traits)reader.Byte(), reader.Number(), reader.Int(), reader.Optional());
        List<StreamState> streams = [];
        for (var left = reader.Int(); left > 0; left--)
            streams.Add(new(reader.Number(), reader.Text(), reader.Byte() != 0, reader.Optional()));
        return new(connection, owner, endpoint, traits, first, numbers, kept, streams, reader.Rest.ToArray());
    }
}
