using System.Text;

namespace Runnel.Redis.Resp;

/// <summary>One reply of Redis, or a part of one.</summary>
internal readonly struct RespValue
{
    private readonly object? _content;

    private RespValue(RespKind kind, object? content, long number)
    {
        Kind = kind;
        _content = content;
        Number = number;
    }

    public RespKind Kind { get; }

    public long Number { get; }

    public bool IsNull => Kind == RespKind.Null;

    /// <summary>The bytes of a text or an error.</summary>
    public byte[] Bytes => _content as byte[] ?? throw Unexpected("a text");

    /// <summary>The parts of a list, or names and values of a map, one after the other.</summary>
    public RespValue[] Items => _content as RespValue[] ?? throw Unexpected("a list");

    public static RespValue OfText(byte[] bytes) => new(RespKind.Text, bytes, 0);

    public static RespValue OfError(byte[] bytes) => new(RespKind.Error, bytes, 0);

    public static RespValue OfNumber(long number) => new(RespKind.Number, null, number);

    public static RespValue OfList(RespValue[] items, bool isPush) => new(isPush ? RespKind.Push : RespKind.List, items, 0);

    /// <summary>The number, whichever way Redis writes it.</summary>
    public long AsNumber() => Kind == RespKind.Number ? Number : long.Parse(Bytes, null);

    /// <summary>The text, for people and for comparison.</summary>
    public override string ToString() => Kind switch
    {
        RespKind.Null => "",
        RespKind.Number => Number.ToString(null, null),
        RespKind.Text or RespKind.Error => Encoding.UTF8.GetString(Bytes),
        _ => $"[{string.Join(", ", Items)}]",
    };

    private FormatException Unexpected(string wanted) => new($"Redis answered with {Kind} where {wanted} was expected.");
}
