using System.Buffers.Text;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The message of every target: 128 bytes, a mark, sixteen hexadecimal digits of time, and filling.</summary>
/// <remarks>
/// The mark occurs nowhere else in what a target sends, so one search finds the messages in a frame, whatever stands around them:
/// SignalR puts several into one. The time is the machine's monotonic clock, the same in every process.
/// </remarks>
internal static class BenchMessage
{
    public const int Length = 128;
    public const byte Mark = (byte)'@';

    /// <summary>The mark and the time.</summary>
    public const int StampLength = 17;

    private static readonly string Filling = new('x', Length - StampLength);

    public static string Create(long timestamp) => string.Create(CultureInfo.InvariantCulture, $"@{timestamp:x16}{Filling}");

    public static long ReadTimestamp(ReadOnlySpan<byte> stamp) =>
        Utf8Parser.TryParse(stamp[1..StampLength], out long timestamp, out _, 'x')
            ? timestamp
            : throw new InvalidDataException("A message came without its time.");
}
