using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Text.Json;
using Runnel.Frames;

namespace Runnel;

/// <summary>The first message of a client that speaks <c>runnel.v1</c> (docs/protocol.md): who it is, and which positions it has.</summary>
public sealed class ClientHello
{
    /// <summary>The subprotocol of such clients.</summary>
    public const string Subprotocol = "runnel.v1";

    /// <summary>The most bytes of a hello.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int Version = 1;
    private const int MinClient = 8, MaxClient = 64, MaxStream = 256, MaxPosition = 64, MaxSeal = 512;

    private ClientHello(string client, IReadOnlyList<ShownPosition> positions) => (Client, Positions) = (client, positions);

    /// <summary>What the client calls itself, at each return the same.</summary>
    public string Client { get; }

    /// <summary>What the client says it has.</summary>
    internal IReadOnlyList<ShownPosition> Positions { get; }

    /// <summary>The server's answer.</summary>
    /// <param name="reconnectWithin">Over which time clients spread their first attempt to come back.</param>
    public static Frame Answer(TimeSpan reconnectWithin) => ProtocolFrame.Hello(reconnectWithin);

    /// <summary>What goes before the close frame of a client that should come back.</summary>
    /// <param name="code">The code of the close.</param>
    /// <param name="reason">Why, for people.</param>
    /// <param name="reconnectWithin">Over which time clients spread their first attempt to come back.</param>
    public static Frame CloseAdvice(int code, string? reason, TimeSpan reconnectWithin) => ProtocolFrame.Advice(code, reason, reconnectWithin);

    /// <summary>Reads a hello.</summary>
    /// <param name="utf8">The client's first message.</param>
    /// <param name="hello">The hello.</param>
    /// <returns>Whether it is one of this version.</returns>
    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out ClientHello? hello)
    {
        hello = null;
        if (utf8.Length > MaxBytes || !JsonText.TryParse(utf8, out var message) || !JsonText.IsText(utf8))
            return false;
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("hello"u8, out var said) || said.ValueKind != JsonValueKind.Object)
            return false;
        if (!said.TryGetProperty("version"u8, out var version) || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out var number) || number != Version)
            return false;
        if (TextOf(said, "client"u8, MaxClient) is not { Length: >= MinClient } client || !TryReadPositions(said, out var positions))
            return false;
        hello = new ClientHello(client, positions);
        return true;
    }

    /// <summary>The same client, of which nothing else is kept.</summary>
    internal ClientHello WithoutPositions() => new(Client, []);

    /// <summary>Whom the client's positions are sealed to: the user, or without one, the client itself.</summary>
    internal string OwnerOf(ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier) is { } id ? $"user:{id}" : $"client:{Client}";

    private static bool TryReadPositions(JsonElement said, out List<ShownPosition> positions)
    {
        positions = [];
        if (!said.TryGetProperty("positions"u8, out var shown))
            return true;
        if (shown.ValueKind != JsonValueKind.Array)
            return false;
        foreach (var entry in shown.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
                return false;
            var stream = entry.TryGetProperty("stream"u8, out _) ? TextOf(entry, "stream"u8, MaxStream) : "";
            if (stream is null || TextOf(entry, "position"u8, MaxPosition) is not { } position || TextOf(entry, "seal"u8, MaxSeal) is not { } seal)
                return false;
            positions.Add(new ShownPosition(stream, position, seal));
        }
        return true;
    }

    private static string? TextOf(JsonElement element, ReadOnlySpan<byte> name, int most) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && JsonMarshal.GetRawUtf8Value(value).Length <= 6 * most + 2
            && value.GetString() is { } text && text.Length <= most ? text : null;
}
