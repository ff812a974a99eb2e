namespace Runnel.Cli.Load;

/// <summary>Publishes messages that the server sends to its sockets.</summary>
internal interface IMessagePublisher
{
    /// <summary>Publishes a message, and returns when the server has it.</summary>
    /// <exception cref="Sockets.FaultException">It could not be published, or nobody knows.</exception>
    Task PublishAsync(string body, CancellationToken cancellationToken);
}
