using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Runnel.Links;

namespace Runnel.Exchanges;

/// <summary>A step of an exchange, on its way to the other node.</summary>
/// <param name="kind">To whom.</param>
/// <param name="id">Which exchange of the gateway.</param>
/// <param name="step">The step.</param>
/// <param name="content">What belongs to it.</param>
internal sealed class ExchangeItem(LinkKind kind, long id, ExchangeStep step, ReadOnlyMemory<byte> content) : LinkItem
{
    private const int Head = sizeof(long) + 1;

    public override LinkKind Kind => kind;

    /// <summary>A request begins.</summary>
    public static ExchangeItem Begin(long id, string channel, ReadOnlyMemory<byte> head)
    {
        var content = new byte[1 + channel.Length + head.Length]; // a channel's name is ASCII, and shorter than 256
        content[0] = (byte)Encoding.ASCII.GetBytes(channel, content.AsSpan(1));
        head.CopyTo(content.AsMemory(1 + channel.Length));
        return new(LinkKind.Request, id, ExchangeStep.Begin, content);
    }

    public static ExchangeItem Taken(LinkKind kind, long id, int bytes)
    {
        var content = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(content, bytes);
        return new(kind, id, ExchangeStep.Taken, content);
    }

    /// <summary>Reads what <see cref="WriteTo"/> wrote.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static (long Id, ExchangeStep Step, ReadOnlyMemory<byte> Content) Read(ReadOnlyMemory<byte> body) => body.Length < Head
        ? throw new FormatException("A step of a request is cut short.")
        : (BinaryPrimitives.ReadInt64LittleEndian(body.Span), (ExchangeStep)body.Span[sizeof(long)], body[Head..]);

    /// <summary>Reads the content of <see cref="ExchangeStep.Begin"/>.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static (string Channel, ReadOnlyMemory<byte> Head) ReadBegin(ReadOnlyMemory<byte> content) => content.Length == 0 || content.Length <= content.Span[0]
        ? throw new FormatException("The beginning of a request is cut short.")
        : (Encoding.ASCII.GetString(content.Span.Slice(1, content.Span[0])), content[(1 + content.Span[0])..]);

    public override void WriteTo(IBufferWriter<byte> output)
    {
        var span = output.GetSpan(Head);
        BinaryPrimitives.WriteInt64LittleEndian(span, id);
        span[sizeof(long)] = (byte)step;
        output.Advance(Head);
        output.Write(content.Span);
    }
}
