namespace Runnel.Layers;

/// <summary>What a work queue can do beyond the basics. The basics are not features: every queue keeps them.</summary>
/// <remarks>
/// <para>
/// The basics: a stored message is handed out until one receiver settles it; a receiver that dies loses what it holds, and others get it; settling
/// is fenced; a delay is never early; an expired message is never handed out; a full channel refuses; attempts count.
/// </para>
/// <para>
/// A queue that lacks <see cref="Cancel"/>, <see cref="Deduplicate"/>, <see cref="KeyOrder"/> or <see cref="FilterDeadLetters"/> throws
/// <see cref="NotSupportedException"/> where it is used, with a sentence. The others are about how well the queue does what every queue does.
/// </para>
/// </remarks>
[Flags]
public enum WorkQueueFeatures
{
    /// <summary>The basics, within this process.</summary>
    None = 0,

    /// <summary>Other processes see the same channels.</summary>
    ScaleOut = 1,

    /// <summary>What is stored outlives the process.</summary>
    Durable = 2,

    /// <summary><see cref="IWorkQueue.CancelAsync"/> takes back a stored message by its id.</summary>
    Cancel = 4,

    /// <summary>Refuses a second message with the same <see cref="Envelope.DeduplicationId"/> within its window.</summary>
    Deduplicate = 8,

    /// <summary>Messages of one <see cref="Envelope.Key"/> are handled one after another in the order sent, also across retries and crashes.</summary>
    KeyOrder = 16,

    /// <summary>Counts in <see cref="Envelope.Crashes"/> how many receivers died holding a message.</summary>
    CountCrashes = 32,

    /// <summary>Stores all messages of one call, or none of them.</summary>
    AtomicBatches = 64,

    /// <summary>
    /// A message that is given back without a delay comes first in line again. Without it, it is stored anew, and comes last; it is there twice if its worker dies in that moment.
    /// </summary>
    KeepPlace = 128,

    /// <summary>The operator lists, replays and purges dead letters by <see cref="DeadLetterFilter"/>. Without it, only all of them at once.</summary>
    FilterDeadLetters = 256,

    /// <summary>
    /// The capacity counts every message that no worker has: scheduled ones, those behind their key, and not those that have expired. Without it, only those that a worker could take, and
    /// several processes that send at once may pass the limit by some.
    /// </summary>
    ExactCapacity = 512,

    /// <summary>A <see cref="ChannelStatus"/> counts all that a channel holds. Without it, what is scheduled or blocked, what other processes hold, and the age of the oldest are not told.</summary>
    FullStatus = 1024,

    /// <summary>All of them.</summary>
    All = ScaleOut | Durable | Cancel | Deduplicate | KeyOrder | CountCrashes | AtomicBatches | KeepPlace | FilterDeadLetters | ExactCapacity | FullStatus,
}
