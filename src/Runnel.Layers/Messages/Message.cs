namespace Runnel.Layers;

/// <summary>A message: a type name, a body and headers. Immutable.</summary>
/// <remarks>
/// The body is not copied here. A layer copies it when the message is sent, so that changing the memory afterwards changes nothing that was
/// sent; a body that was received is the receiver's own.
/// </remarks>
public sealed class Message
{
    private static readonly IReadOnlyDictionary<string, string> NoHeaders = new Dictionary<string, string>(0);

    /// <summary>Creates a message.</summary>
    /// <param name="type">The type's name: a stable string such as <c>article.published</c>, never the name of a CLR type.</param>
    /// <param name="body">The body.</param>
    /// <param name="headers">The headers; none by default.</param>
    /// <exception cref="ArgumentException">The type is empty.</exception>
    public Message(string type, ReadOnlyMemory<byte> body, IReadOnlyDictionary<string, string>? headers = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        Type = type;
        Body = body;
        Headers = headers is null or { Count: 0 } ? NoHeaders : headers;
    }

    /// <summary>The type's name.</summary>
    public string Type { get; }

    /// <summary>The body; JSON unless sender and receiver agreed otherwise.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The headers, such as the trace context.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }
}
