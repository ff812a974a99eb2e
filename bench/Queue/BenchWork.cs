namespace Runnel.Bench;

/// <summary>The message of the queue benchmark: some 256 bytes of JSON.</summary>
/// <param name="At">When it was sent (the machine's monotonic clock), or when it is due (UTC ticks).</param>
/// <param name="Key">Which key it has, in a run with keys.</param>
/// <param name="Number">Which of its key's messages it is.</param>
/// <param name="Filling">Filling.</param>
[MessageType("work")]
internal sealed record BenchWork(long At, int Key, int Number, string Filling)
{
    public const int Length = 256;

    // What remains after the names, the signs between them, and numbers of the usual length.
    private static readonly string Standard = new('x', Length - 64);

    public static BenchWork Create(long at = 1_000_000_000_000, int key = 0, int number = 0) => new(at, key, number, Standard);
}
