using System.Net;
using System.Security.Claims;
using System.Text;

namespace Runnel.Handover;

/// <summary>The scope of a connection whose client another node holds. It stays as the bytes that came, and is read where it is asked for: most of it never is.</summary>
/// <remarks>
/// <code>
/// version: 1 (1 byte)
/// path, query string: texts, each a number (seven bits a byte, the lowest first) of bytes and UTF-8
/// address: its length (1 byte; 0: not known), and its bytes
/// subprotocols: how many (number), and texts
/// route values, then headers: how many, and name and value of each
/// the user, as <see cref="ClaimsPrincipal.WriteTo(BinaryWriter)"/> writes it; nothing if anonymous
/// </code>
/// </remarks>
internal sealed class HandedScope : ConsumerScope
{
    private const byte Version = 1;

    private static readonly string[] Secret = ["Cookie", "Authorization", "Proxy-Authorization"];

    private readonly ReadOnlyMemory<byte> _bytes;
    private ClaimsPrincipal? _user;

    /// <summary>Takes the bytes, which stay in use.</summary>
    /// <param name="bytes">What <see cref="Encode"/> made.</param>
    /// <exception cref="FormatException">Another version made them.</exception>
    public HandedScope(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span is not [Version, ..])
            throw new FormatException($"A connection was handed over with a scope of version {(bytes.IsEmpty ? 0 : bytes.Span[0])}; version {Version} is known here. Update the workers before the gateways.");
        _bytes = bytes;
    }

    public override string Path => At(Part.Path).ReadText();

    public override string QueryString => At(Part.QueryString).ReadText();

    public override ClaimsPrincipal User => _user ??= ReadUser();

    public override IPAddress? RemoteAddress => At(Part.Address).ReadBlock() is { Length: > 0 } address ? new IPAddress(address) : null;

    public override IReadOnlyList<string> Subprotocols
    {
        get
        {
            var reader = At(Part.Subprotocols);
            var all = new string[reader.ReadCount()];
            for (var i = 0; i < all.Length; i++)
                all[i] = reader.ReadText();
            return all;
        }
    }

    public override IEnumerable<KeyValuePair<string, string>> RouteValues => PairsAt(Part.RouteValues);

    public override IEnumerable<KeyValuePair<string, string>> Headers => PairsAt(Part.Headers);

    /// <summary>Writes down a scope for another node.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="forward">Which of the headers go along that would let others in as this user.</param>
    public static byte[] Encode(ConsumerScope scope, IEnumerable<string> forward)
    {
        using var bytes = new MemoryStream(1024);
        using var writer = new BinaryWriter(bytes);
        writer.Write(Version);
        writer.Write(scope.Path);
        writer.Write(scope.QueryString);
        var address = scope.RemoteAddress?.GetAddressBytes() ?? [];
        writer.Write((byte)address.Length);
        writer.Write(address);
        writer.Write7BitEncodedInt(scope.Subprotocols.Count);
        foreach (var subprotocol in scope.Subprotocols)
            writer.Write(subprotocol);
        Write(writer, [.. scope.RouteValues]);
        Write(writer, [.. scope.Headers.Where(header => !IsIn(Secret, header.Key) || IsIn(forward, header.Key))]);
        if (scope.User is { } user && (user.Claims.Any() || user.Identity is { IsAuthenticated: true }))
            user.WriteTo(writer);
        return bytes.ToArray();
    }

    public override string? RouteValue(string name) => Find(Part.RouteValues, name) is { Length: > 0 } value ? value : null;

    public override string? Header(string name) => Find(Part.Headers, name);

    public override string? Query(string name)
    {
        foreach (var parameter in QueryString.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (string.Equals(Decode(equals < 0 ? parameter : parameter[..equals]), name, StringComparison.OrdinalIgnoreCase))
                return equals < 0 ? "" : Decode(parameter[(equals + 1)..]);
        }
        return null;
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static bool IsIn(IEnumerable<string> names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static void Write(BinaryWriter writer, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        writer.Write7BitEncodedInt(pairs.Count);
        foreach (var (name, value) in pairs)
        {
            writer.Write(name);
            writer.Write(value);
        }
    }

    private KeyValuePair<string, string>[] PairsAt(Part part)
    {
        var reader = At(part);
        var all = new KeyValuePair<string, string>[reader.ReadCount()];
        for (var i = 0; i < all.Length; i++)
            all[i] = new(reader.ReadText(), reader.ReadText());
        return all;
    }

    private string? Find(Part part, string name)
    {
        var reader = At(part);
        for (var left = reader.ReadCount(); left > 0; left--)
        {
            var isIt = reader.ReadText().Equals(name, StringComparison.OrdinalIgnoreCase);
            if (isIt)
                return reader.ReadText();
            reader.SkipText();
        }
        return null;
    }

    private ClaimsPrincipal ReadUser()
    {
        var rest = At(Part.User).Rest;
        if (rest.Length == 0)
            return new(new ClaimsIdentity());
        using var reader = new BinaryReader(new MemoryStream(rest.ToArray()));
        return new(reader);
    }

    private Reader At(Part part)
    {
        var reader = new Reader(_bytes.Span[1..]);
        for (var before = Part.Path; before < part; before++)
            Skip(ref reader, before);
        return reader;
    }

    private static void Skip(ref Reader reader, Part part)
    {
        if (part == Part.Address)
        {
            reader.ReadBlock();
            return;
        }
        var texts = part switch { Part.Path or Part.QueryString => 1, Part.Subprotocols => reader.ReadCount(), _ => reader.ReadCount() * 2 };
        for (; texts > 0; texts--)
            reader.SkipText();
    }

    private enum Part
    {
        Path,
        QueryString,
        Address,
        Subprotocols,
        RouteValues,
        Headers,
        User,
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        public ReadOnlySpan<byte> Rest { get; private set; } = bytes;

        private int ReadNumber()
        {
            var number = 0;
            for (var shift = 0; shift < 35; shift += 7)
            {
                var next = Take(1)[0];
                number |= (next & 0x7f) << shift;
                if (next < 0x80)
                    return number;
            }
            throw CutShort();
        }

        // Each of what is counted takes at least a byte.
        public int ReadCount() => ReadNumber() is var count && (uint)count <= (uint)Rest.Length ? count : throw CutShort();

        public ReadOnlySpan<byte> ReadBlock() => Take(Take(1)[0]);

        public string ReadText() => Encoding.UTF8.GetString(Take(ReadNumber()));

        public void SkipText() => Take(ReadNumber());

        private ReadOnlySpan<byte> Take(int length)
        {
            if ((uint)length > (uint)Rest.Length)
                throw CutShort();
            var taken = Rest[..length];
            Rest = Rest[length..];
            return taken;
        }

        private static FormatException CutShort() => new("The scope of a connection that was handed over is cut short.");
    }
}
