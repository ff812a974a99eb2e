using RabbitMQ.Client;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>A message as it is stored: the envelope in its binary form, and the AMQP properties by which others can tell what it is.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Type">The message's type.</param>
/// <param name="Bytes">The envelope.</param>
internal readonly record struct StoredMessage(MessageId Id, string Type, byte[] Bytes)
{
    private const string TraceParent = "traceparent";

    /// <summary>Its trace context (W3C).</summary>
    public string? Trace { get; init; }

    /// <summary>A number that differs from message to message.</summary>
    public int Seed => Id.Value.GetHashCode();

    /// <summary>A copy of everything of an envelope.</summary>
    public static StoredMessage Of(Envelope envelope) => new(envelope.Id, envelope.Message.Type, EnvelopeFormat.Encode(envelope))
    {
        Trace = envelope.Message.Headers.Count > 0 ? envelope.Message.Headers.GetValueOrDefault(TraceParent) : null,
    };

    /// <summary>Reads a message as it came from a queue: a copy of everything.</summary>
    public static bool TryRead(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, out StoredMessage message)
    {
        var isOurs = MessageId.TryParse(properties.MessageId, out var id);
        message = isOurs ? new StoredMessage(id, properties.Type ?? "", body.ToArray()) { Trace = MessageHeaders.Text(properties.Headers, TraceParent) } : default;
        return isOurs;
    }

    /// <summary>New properties, and with them none of the history that the broker writes on a message that it moves, by which it would drop one that comes by again.</summary>
    public BasicProperties Properties()
    {
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent, MessageId = Id.ToString(), Type = Type };
        if (Trace is not null)
            properties.Headers = new Dictionary<string, object?> { [TraceParent] = Trace };
        return properties;
    }

    /// <summary>The properties with some headers more.</summary>
    public BasicProperties Properties(params ReadOnlySpan<(string Name, object Value)> headers)
    {
        var properties = Properties();
        properties.Headers ??= new Dictionary<string, object?>();
        foreach (var (name, value) in headers)
            properties.Headers[name] = value;
        return properties;
    }
}
