namespace Runnel.RabbitMQ.Sending;

/// <summary>A queue of the broker, as it is declared.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">What it is declared with, always the same: the broker refuses another declaration.</param>
/// <param name="Next">Where its messages go when they expire. It is declared first: the broker keeps a message that finds no queue there for three minutes before it tries again.</param>
internal sealed record BrokerQueue(string Name, IDictionary<string, object?> Arguments, BrokerQueue? Next = null);
