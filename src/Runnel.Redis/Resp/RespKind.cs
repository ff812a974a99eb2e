namespace Runnel.Redis.Resp;

/// <summary>What a reply of Redis is; RESP3's other types are read as the nearest of these.</summary>
internal enum RespKind : byte
{
    Null,
    Text,
    Number,
    Error,
    List,

    /// <summary>A list that nobody asked for: a message of a subscription.</summary>
    Push,
}
