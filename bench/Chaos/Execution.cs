using System.Globalization;

namespace Runnel.Bench;

/// <summary>A handler that went through to its end: one line of a worker's file.</summary>
/// <param name="Number">The message.</param>
/// <param name="Key">Its key.</param>
/// <param name="Sequence">Which of its key's messages it is.</param>
/// <param name="Began">When the handler began (the machine's monotonic clock, one for all processes).</param>
/// <param name="LateTicks">How long after it was due; negative for early.</param>
/// <param name="Attempt">Which attempt it was.</param>
/// <param name="Crashes">How many workers had died holding the message before.</param>
internal sealed record Execution(long Number, string? Key, long Sequence, long Began, long LateTicks, int Attempt, int Crashes)
{
    private const string NoKey = "-";

    /// <summary>The worker whose file has it.</summary>
    public string? Worker { get; private init; }

    public static Execution Parse(string line, string worker)
    {
        var words = line.Split(' ');
        return new(Number(0), words[1] == NoKey ? null : words[1], Number(2), Number(3), Number(4), (int)Number(5), (int)Number(6)) { Worker = worker };

        long Number(int word) => long.Parse(words[word], CultureInfo.InvariantCulture);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number} {Key ?? NoKey} {Sequence} {Began} {LateTicks} {Attempt} {Crashes}\n");
}
