using System.Buffers;

namespace Runnel.Cli.Sockets;

/// <summary>A header that goes along with each request.</summary>
internal readonly record struct Header(string Name, string Value)
{
    private static readonly SearchValues<char> NotInNames = SearchValues.Create(" \t()<>@,;\\\"/[]?={}");

    // The handshake's own; two of them would be a request that no server has to understand.
    private static readonly string[] Reserved = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length"];

    /// <exception cref="FormatException">The text is not a header, or not one that may be given.</exception>
    public static Header Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 1 || text.AsSpan(0, colon).ContainsAny(NotInNames) || text.Any(char.IsControl) || !text.All(char.IsAscii))
            throw new FormatException($"'{text}' is not a header. Write 'Name: value', in ASCII.");
        var header = new Header(text[..colon], text[(colon + 1)..].Trim());
        return Reserved.Contains(header.Name, StringComparer.OrdinalIgnoreCase)
            ? throw new FormatException($"The tool sets the header '{header.Name}' itself.")
            : header;
    }
}
