using RabbitMQ.Client;

namespace Runnel.RabbitMQ;

/// <summary>The connection of the RabbitMQ layer, for the application's own work with AMQP. <c>UseRabbitMQ</c> and <c>UseRabbitMQQueues</c> register it.</summary>
/// <example>
/// <code>
/// app.MapPost("/audit", async (RabbitMQConnections rabbit) =>
/// {
///     var connection = await rabbit.GetConnectionAsync();
///     await using var channel = await connection.CreateChannelAsync();
///     await channel.BasicPublishAsync("audit", "posted", body);
/// });
/// </code>
/// </example>
public sealed class RabbitMQConnections
{
    private RabbitMQBroker? _broker;

    /// <summary>The open connection on which this process publishes. It is waited for while the broker is away.</summary>
    /// <remarks>Do not close it. Ask for it each time: after an interruption it is another one.</remarks>
    /// <exception cref="InvalidOperationException">The application has no layer on RabbitMQ, or has not started yet.</exception>
    /// <exception cref="IOException">The broker was away for as long as <see cref="RabbitMQOptions.OutageTimeout"/>.</exception>
    public ValueTask<IConnection> GetConnectionAsync(CancellationToken cancellationToken = default) => Volatile.Read(ref _broker) is { } broker
        ? broker.GetConnectionAsync(cancellationToken)
        : throw new InvalidOperationException("This application has no connection to RabbitMQ: its layers are others (--layer, Runnel:Layer), or it has not started yet.");

    internal void Made(RabbitMQBroker broker) => Volatile.Write(ref _broker, broker);
}
