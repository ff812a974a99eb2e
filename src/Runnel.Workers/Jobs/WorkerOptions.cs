using System.ComponentModel.DataAnnotations;

namespace Runnel.Workers;

/// <summary>What the worker of this process does.</summary>
public sealed class WorkerOptions
{
    /// <summary>Whether this process takes messages at all; <c>runserver --noworker</c> sets it to <see langword="false"/>.</summary>
    /// <value><see langword="true"/> by default.</value>
    public bool Enabled { get; set; } = true;

    /// <summary>Only channels that fit one of these patterns (<c>*</c>, <c>?</c>, <c>[a-z]</c>) are taken; all when there is none.</summary>
    /// <value>None by default.</value>
    public IList<string> OnlyChannels { get; } = [];

    /// <summary>Channels that fit one of these patterns are not taken, even if they fit the former.</summary>
    /// <value>None by default.</value>
    public IList<string> ExcludeChannels { get; } = [];

    /// <summary>How many messages this process handles at once over all channels; each channel's own limit holds too.</summary>
    /// <value><see langword="null"/> by default: only the channels' own limits hold.</value>
    [Range(1, 1_000_000)]
    public int? Threads { get; set; }

    /// <summary>How long a worker that is told to stop lets its handlers finish; then they are cancelled and their messages handed back.</summary>
    /// <value>25 seconds by default: less than the 30 that orchestrators usually give.</value>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>How long a worker that is no longer heard of keeps its messages, on layers that do not see a death at once.</summary>
    /// <value>6 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(6);

    /// <summary>How many workers may die holding a message before it is put aside: it may be what kills them.</summary>
    /// <remarks>
    /// From 2 on, a message that a worker has died with runs alone, so that it takes no other message along. With 1 there is no second run: what ran beside the
    /// message is put aside, too.
    /// </remarks>
    /// <value>3 by default.</value>
    [Range(1, 1000)]
    public int CrashLimit { get; set; } = 3;

    /// <summary>Whether whoever may see a job reads in its state what its exceptions say. The log and <see cref="JobStatus.ErrorDetail"/> have it in any case.</summary>
    /// <value><see langword="null"/> by default: in the environment Development only.</value>
    public bool? EnableDetailedErrors { get; set; }
}
