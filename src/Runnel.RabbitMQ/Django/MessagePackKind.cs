namespace Runnel.RabbitMQ.Django;

/// <summary>What a value of MessagePack is.</summary>
internal enum MessagePackKind
{
    Nil,
    Boolean,
    Integer,
    Float,
    Text,
    Binary,
    Array,
    Map,
}
