using System.Buffers.Binary;
using System.Security.Cryptography;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Runnel's own wire: the envelope, behind a number that tells hearers whether a message is missing.</summary>
/// <remarks>The broker drops what a full queue refuses, and what waits there for too long, and tells the node nothing of it. The numbers do.</remarks>
internal sealed class RunnelWire(RabbitMQOptions options) : ITopicWire
{
    private const byte Message = 1, Count = 2;
    private const int HeadLength = 1 + (2 * sizeof(long));
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private readonly TopicNumbers _numbers = new();

    public string Exchange => RabbitNames.GroupsExchangeOf(options);

    public string NewQueueName() => RabbitNames.NodeQueueOf(options, RandomNumberGenerator.GetString(Letters, 12));

    public string RoutingKeyOf(Topic topic) => topic.Value;

    public Publication Write(Topic topic, ReadOnlyMemory<byte> payload) => Write(topic, Message, _numbers.Next(topic), payload.Span);

    public Publication? WriteCount(Topic topic) => Write(topic, Count, _numbers.Last(topic), []);

    public HeardMessage Read(ReadOnlyMemory<byte> body)
    {
        if (body.Length < HeadLength || body.Span[0] is not (Message or Count))
            throw new FormatException("What came on the exchange of the groups is not a message of Runnel: somebody else publishes there, or another version of Runnel.");
        var publisher = BinaryPrimitives.ReadInt64LittleEndian(body.Span[1..]);
        var number = BinaryPrimitives.ReadInt64LittleEndian(body.Span[(1 + sizeof(long))..]);
        ReadOnlyMemory<byte>? payload = body.Span[0] == Message ? body[HeadLength..].ToArray() : default(ReadOnlyMemory<byte>?); // null would be an empty one
        return new HeardMessage(payload, publisher, number);
    }

    private Publication Write(Topic topic, byte kind, long number, ReadOnlySpan<byte> payload)
    {
        var body = new byte[HeadLength + payload.Length];
        body[0] = kind;
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(1), _numbers.Publisher);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(1 + sizeof(long)), number);
        payload.CopyTo(body.AsSpan(HeadLength));
        return new Publication(Exchange, RoutingKeyOf(topic), new BasicProperties(), body);
    }
}
