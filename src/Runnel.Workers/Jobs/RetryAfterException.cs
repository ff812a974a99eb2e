using Runnel.Workers.Jobs;

namespace Runnel.Workers;

/// <summary>Thrown by a consumer: the attempt failed, try again after this time instead of what the retry policy says.</summary>
public sealed class RetryAfterException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="delay">How long the message rests.</param>
    /// <param name="message">Why, for the log and the job's state.</param>
    /// <param name="innerException">The cause.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative; a consumer that lets it pass makes the message a dead letter at once.</exception>
    public RetryAfterException(TimeSpan delay, string message = "The consumer asked to be tried again later.", Exception? innerException = null)
        : base(message, innerException)
    {
        JobArgumentException.ThrowIfNegative(delay, "A message");
        Delay = delay;
    }

    /// <summary>How long the message rests.</summary>
    public TimeSpan Delay { get; }
}
