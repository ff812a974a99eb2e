namespace Runnel.Sqlite;

/// <summary>A message that was handed out, and what it is settled by: good for this one time that it was handed out.</summary>
internal sealed class Claim(long id, long number, string? lane, bool isLarge, byte[] bytes, int attempt, int crashes)
{
    public long Id { get; } = id;

    /// <summary>The fence: no other claim has this number.</summary>
    public long Number { get; } = number;

    /// <summary>Whose it is.</summary>
    public long Worker { get; set; }

    public string? Lane { get; } = lane;

    public bool IsLarge { get; } = isLarge;

    public int Attempt { get; } = attempt;

    public int Crashes { get; } = crashes;

    /// <summary>The encoded envelope; its counters are those that it was sent with.</summary>
    public byte[] Bytes { get; } = bytes;
}
