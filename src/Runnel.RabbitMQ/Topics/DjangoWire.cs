using System.Security.Cryptography;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Django;

namespace Runnel.RabbitMQ.Topics;

/// <summary>The wire of Python's channels_rabbitmq 3 and 4, whose processes share the groups: their names, and messages as <see cref="DjangoFormat"/> has them.</summary>
/// <remarks>
/// What is not for a group stays among Runnel's nodes. It goes by the same exchange, under names that no group can have, as the envelope that it is: that begins with a 1, and
/// a message of Django's with a map. Nobody numbers messages on this wire, so nobody notices which of them a full queue refused.
/// </remarks>
internal sealed class DjangoWire(RabbitMQOptions options) : ITopicWire
{
    private const string GroupPrefix = "group:";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public string Exchange => options.GroupsExchange;

    public string NewQueueName() => "channels_" + RandomNumberGenerator.GetString(Letters, 12);

    public string RoutingKeyOf(Topic topic) => topic.Kind == TopicKind.Group ? topic.Value[GroupPrefix.Length..] : topic.Value;

    public Publication Write(Topic topic, ReadOnlyMemory<byte> payload)
    {
        var key = RoutingKeyOf(topic);
        var body = topic.Kind == TopicKind.Group ? DjangoFormat.Encode(EnvelopeFormat.Decode(payload), DjangoAddress.OfGroup(key)) : payload;
        return new Publication(Exchange, key, new BasicProperties(), body);
    }

    public HeardMessage Read(ReadOnlyMemory<byte> body) => body.Length > 0 && body.Span[0] == EnvelopeFormat.Version
        ? new HeardMessage(body.ToArray())
        : new HeardMessage(EnvelopeFormat.Encode(DjangoFormat.Decode(body.Span).Envelope));

    public Publication? WriteCount(Topic topic) => null;
}
