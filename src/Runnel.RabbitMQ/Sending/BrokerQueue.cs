namespace Runnel.RabbitMQ.Sending;

/// <summary>A queue of the broker, as it is declared.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">What it is declared with, always the same: the broker refuses another declaration.</param>
internal sealed record BrokerQueue(string Name, IDictionary<string, object?> Arguments);
