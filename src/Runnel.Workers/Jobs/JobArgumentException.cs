namespace Runnel.Workers.Jobs;

/// <summary>A consumer gave its job an argument that no further attempt makes right: the message is put aside at once.</summary>
internal sealed class JobArgumentException(string parameter, object value, string message) : ArgumentOutOfRangeException(parameter, value, message)
{
    /// <summary>Checks how long a message is to rest.</summary>
    /// <param name="delay">How long.</param>
    /// <param name="who">Whose message it is, for the sentence.</param>
    public static void ThrowIfNegative(TimeSpan delay, string who)
    {
        if (delay < TimeSpan.Zero)
            throw new JobArgumentException(nameof(delay), delay, $"{who} cannot come back after {delay}: give a delay of zero or more.");
    }
}
