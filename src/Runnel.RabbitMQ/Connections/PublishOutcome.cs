namespace Runnel.RabbitMQ.Connections;

/// <summary>What the broker did with a message.</summary>
internal enum PublishOutcome
{
    /// <summary>It has it, as safely as the queue keeps anything.</summary>
    Confirmed,

    /// <summary>A queue that it should have gone to is full. Others may have it.</summary>
    Refused,

    /// <summary>No queue takes it: only a message that is mandatory comes back so.</summary>
    Returned,
}
