namespace Runnel.RabbitMQ;

/// <summary>In which form messages to groups travel.</summary>
public enum RabbitMQWire
{
    /// <summary>Runnel's envelope. All nodes have to run Runnel.</summary>
    Runnel,

    /// <summary>The form of Python's channels_rabbitmq 3 and 4, so that processes in C# and Python share groups.</summary>
    Django,
}
