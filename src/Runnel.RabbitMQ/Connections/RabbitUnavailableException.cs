namespace Runnel.RabbitMQ.Connections;

/// <summary>RabbitMQ is away, went away in the middle, or takes nothing for the time being.</summary>
internal sealed class RabbitUnavailableException : IOException
{
    public RabbitUnavailableException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
