using System.ComponentModel.DataAnnotations;

namespace Runnel.Workers;

/// <summary>How often a channel's message is tried, and how long it rests in between: exponential back-off with full jitter.</summary>
/// <remarks>
/// After the n-th failure a message rests for a random time between zero and <c>min(MaxDelay, BaseDelay · 2ⁿ⁻¹)</c>, so that messages that failed
/// together do not come back together (the "full jitter" of AWS's article on back-off).
/// </remarks>
public sealed class RetryPolicy
{
    /// <summary>How often a message is tried in all; after that it is a dead letter.</summary>
    /// <value>10 by default.</value>
    [Range(1, 65_535)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>The most that a message rests after its first failure.</summary>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The most that a message rests after any failure.</summary>
    /// <value>1 hour by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a message rests.</summary>
    /// <param name="failures">How often it has failed; at least 1.</param>
    /// <param name="jitter">A random number from 0 up to 1.</param>
    public TimeSpan DelayAfter(int failures, double jitter)
    {
        var longest = Math.Min(MaxDelay.TotalMilliseconds, BaseDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 60)));
        return TimeSpan.FromMilliseconds(longest * jitter);
    }

    /// <summary>The longest that a message may rest before its last attempt.</summary>
    internal TimeSpan LongestDelay => MaxAttempts > 1 ? DelayAfter(MaxAttempts - 1, jitter: 1) : TimeSpan.Zero;

    internal RetryPolicy Copy() => (RetryPolicy)MemberwiseClone();
}
