namespace Runnel.RabbitMQ.Connections;

/// <summary>RabbitMQ is away, went away in the middle, or takes nothing for the time being.</summary>
internal sealed class RabbitUnavailableException : IOException
{
    public RabbitUnavailableException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>Whether it was tried often enough: who waits for the broker to come back is told at once.</summary>
    public bool IsFinal { get; init; }
}
