namespace Runnel.Sqlite.Tables;

/// <summary>A message that was handed out, and what it is settled by: good for this one time that it was handed out.</summary>
/// <param name="Id">The message's row.</param>
/// <param name="Number">The fence: no other claim has this number.</param>
/// <param name="Lane">Its key, if it has one.</param>
/// <param name="IsLarge">Whether its bytes stand in a table of their own.</param>
/// <param name="Bytes">The encoded envelope; its counters and its expiry are those that it was sent with.</param>
/// <param name="Attempt">How many times a handler ran and failed.</param>
/// <param name="Crashes">How many times a worker died holding it.</param>
/// <param name="Expires">When it expires, in ticks.</param>
internal sealed record Claim(long Id, long Number, string? Lane, bool IsLarge, byte[] Bytes, int Attempt, int Crashes, long? Expires)
{
    /// <summary>Whose it is.</summary>
    public long Worker { get; set; }
}
