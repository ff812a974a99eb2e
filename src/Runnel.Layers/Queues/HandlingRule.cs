namespace Runnel.Layers;

/// <summary>When a message is not handled any more: the one rule for failures and crashes.</summary>
/// <remarks>
/// A layer only counts, in <see cref="Envelope.Attempt"/> and <see cref="Envelope.Crashes"/>, and hands the message out again. Whoever receives it decides by
/// this rule, and puts it aside with <see cref="IWorkReceiver.DeadLetterAsync"/>.
/// </remarks>
/// <param name="MaxAttempts">How many times a handler may fail.</param>
/// <param name="CrashLimit">How many workers may die holding the message.</param>
public sealed record HandlingRule(int MaxAttempts, int CrashLimit)
{
    /// <summary>Whether so many workers have died holding the message that it must not be begun again: it may be what kills them.</summary>
    public bool IsPoison(Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        return envelope.Crashes >= CrashLimit;
    }

    /// <summary>Whether the attempt that runs now is the last one that is allowed.</summary>
    public bool IsLastAttempt(Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        return envelope.Attempt + 1 >= MaxAttempts;
    }

    /// <summary>Whether a message that is put aside for a reason was tried once more before: then the dead letter counts that attempt.</summary>
    public static bool CountsAttempt(DeadLetterReason reason) => reason != DeadLetterReason.WorkerDied;
}
