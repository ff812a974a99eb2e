using System.ComponentModel.DataAnnotations;

namespace Runnel.Workers;

/// <summary>How a channel keeps its messages, what its messages use, and how its consumers run.</summary>
/// <remarks>
/// A use (<see cref="Ordered"/>, <see cref="Deduplicate"/>, <see cref="Cancellable"/>, <see cref="Track"/>) is declared, wherever the channel is mapped or added. The
/// start is refused if the layer lacks what it needs, and what is not declared is refused on every layer.
/// </remarks>
public sealed class ChannelOptions
{
    /// <summary>The most messages that wait on the channel; those in workers' hands do not count.</summary>
    /// <value>100,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int Capacity { get; set; } = 100_000;

    /// <summary>How long sending waits for room when the channel is full, before it is refused.</summary>
    /// <value>5 seconds by default; zero to refuse at once.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan WaitForRoom { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes of a message's body; a larger one is refused when it is sent.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>How many messages of the channel one worker process handles at once.</summary>
    /// <value>10 by default.</value>
    [Range(1, 100_000)]
    public int Concurrency { get; set; } = 10;

    /// <summary>How long a handler may take until its cancellation token is cancelled, which counts as a failed attempt.</summary>
    /// <value><see langword="null"/> by default: as long as it likes.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "49.00:00:00")]
    public TimeSpan? Timeout { get; set; }

    /// <summary>How often a message is tried, and how long it rests in between.</summary>
    /// <value>Ten attempts, resting up to 2 seconds, 4, 8, … and at most an hour, by default.</value>
    [Required]
    public RetryPolicy Retry { get; set; } = new();

    /// <summary>Whether messages may have a key (<see cref="SendOptions.Key"/>), and those of one key are handled one after another.</summary>
    /// <value><see langword="false"/> by default: a message with a key is refused.</value>
    public bool Ordered { get; set; }

    /// <summary>Whether messages may have a deduplication id (<see cref="SendOptions.DeduplicationId"/>), so that a second copy is not stored.</summary>
    /// <value><see langword="false"/> by default: a message with such an id is refused.</value>
    public bool Deduplicate { get; set; }

    /// <summary>Whether the channel's jobs can be cancelled (<see cref="IJobs.CancelAsync"/>).</summary>
    /// <value><see langword="false"/> by default: to cancel a job is refused.</value>
    public bool Cancellable { get; set; }

    /// <summary>Whether the lives of the channel's jobs can be followed (<see cref="IJobs"/>). A message nobody asks about costs nothing more.</summary>
    /// <value><see langword="false"/> by default.</value>
    public bool Track { get; set; }

    /// <summary>How long the state of a tracked job is kept after it last changed.</summary>
    /// <value>1 day by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan JobRetention { get; set; } = TimeSpan.FromDays(1);

    /// <summary>These options with some changed.</summary>
    /// <exception cref="ValidationException">An option is out of its range.</exception>
    internal ChannelOptions With(Action<ChannelOptions>? configure)
    {
        var copy = (ChannelOptions)MemberwiseClone();
        copy.Retry = Retry.Copy();
        configure?.Invoke(copy);
        Validator.ValidateObject(copy, new ValidationContext(copy), validateAllProperties: true);
        Validator.ValidateObject(copy.Retry, new ValidationContext(copy.Retry), validateAllProperties: true);
        return copy;
    }
}
