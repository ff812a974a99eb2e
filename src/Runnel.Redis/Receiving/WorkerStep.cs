using Runnel.Redis.Connections;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>One step of a worker at a channel, as Scripts/step.lua takes it: what it settles, and how much it claims.</summary>
/// <param name="number">A number that no other step of the worker has.</param>
/// <param name="settlements">What it settles.</param>
/// <param name="most">The most messages to claim.</param>
/// <param name="joins">Whether the worker is new at the channel.</param>
internal sealed class WorkerStep(long number, List<Settlement> settlements, int most, bool joins)
{
    public const int MostClaims = 256;
    public const int MostSettlements = 512; // by their weight
    public const int MostBytes = 1024 * 1024; // of either: others share the connection, and wait behind a step

    private const int FieldSize = 24;

    public long Number => number;

    public IReadOnlyList<Settlement> Settlements => settlements;

    public bool Claims => most > 0;

    /// <summary>What to send. It is sent again until it is answered.</summary>
    public RedisCommand Encode(RedisChannel channel, LeaseTerm term)
    {
        settlements.Sort(static (a, b) => (a.Arguments > 0).CompareTo(b.Arguments > 0)); // those first that are simply completed
        var (plain, arguments, size, mayBeDone) = (0, 0, 0, settlements.Exists(static settlement => settlement.MayBeDone));
        foreach (var settlement in settlements)
        {
            plain += settlement.Arguments == 0 ? 1 : 0;
            arguments += settlement.Arguments;
            size += settlement.Bytes + (FieldSize * (settlement.Arguments + 1));
        }
        var writer = channel.Begin(RedisScript.Step, 7 + plain + arguments, sizeHint: size + 1024);
        var repeatMark = writer.NextShortPart;
        writer.Add(mayBeDone ? "1"u8 : "0"u8);
        writer.Add(term.WorkerId);
        writer.Add(number);
        writer.Add(most);
        writer.Add(MostBytes);
        writer.Add(joins ? (long)term.Duration.TotalMicroseconds : 0);
        writer.Add(plain);
        foreach (var settlement in settlements)
        {
            if (settlement.Arguments == 0)
                settlement.Claim.AddField(writer);
            else
                settlement.Write(writer);
        }
        return new RedisCommand(writer.Written, repeatMark) { IsPatient = true };
    }

    /// <summary>Tells those who settle whether what they settled was the worker's.</summary>
    /// <param name="results">A 1 or a 0 for each, as the script answers.</param>
    public void Answer(ReadOnlySpan<byte> results)
    {
        for (var i = 0; i < settlements.Count; i++)
            settlements[i].TrySetResult(results[i] == '1');
    }

    /// <summary>Tells those who settle that nothing was the worker's any more.</summary>
    public void AnswerLost()
    {
        foreach (var settlement in settlements)
            settlement.TrySetResult(false);
    }

    /// <summary>Tells those who settle that nobody knows.</summary>
    public void Fail(Exception exception)
    {
        foreach (var settlement in settlements)
            settlement.TrySetException(exception);
    }
}
