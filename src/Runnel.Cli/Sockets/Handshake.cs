using System.Security.Cryptography;
using System.Text;

namespace Runnel.Cli.Sockets;

/// <summary>The request that makes a connection a WebSocket, and its answer (RFC 6455, section 4).</summary>
internal sealed class Handshake
{
    /// <summary>The longest head of an answer.</summary>
    public const int LongestAnswer = 16 * 1024;

    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private readonly string _before;
    private readonly string _after;
    private readonly string? _protocol;

    public Handshake(Target target, string? protocol, IReadOnlyList<Header> headers)
    {
        _protocol = protocol;
        _before = $"GET {target.PathAndQuery} HTTP/1.1\r\nHost: {target.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
        _after = string.Concat(headers.Select(header => $"\r\n{header.Name}: {header.Value}").Append(protocol is null ? "" : $"\r\nSec-WebSocket-Protocol: {protocol}")) + "\r\n\r\n";
    }

    /// <summary>A key that no other connection has.</summary>
    public static string NewKey() => Convert.ToBase64String(Guid.NewGuid().ToByteArray());

    public byte[] Request(string key) => Encoding.ASCII.GetBytes(_before + key + _after);

    /// <summary>Looks at the answer's head.</summary>
    /// <exception cref="FaultException">The server has refused, or what it says is no answer to a handshake.</exception>
    public void Check(string head, string key)
    {
        var lines = head.Split("\r\n");
        var status = lines[0].Split(' ', 3);
        if (!status[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || status.Length < 2)
            throw FaultException.Protocol("The server's answer to the handshake is not HTTP.");
        if (status[1] != "101")
            throw new FaultException(FaultKind.Refused, status[1], $"The server refused the handshake: {string.Join(' ', status[1..])}.");
        if (ValueOf(lines, "Sec-WebSocket-Accept") != AcceptOf(key))
            throw FaultException.Protocol("The server's Sec-WebSocket-Accept does not fit the key of the handshake.");
        if (_protocol is not null && ValueOf(lines, "Sec-WebSocket-Protocol") != _protocol)
            throw FaultException.Protocol($"The server does not speak the subprotocol '{_protocol}'.");
    }

    private static string? ValueOf(string[] lines, string name) =>
        lines.Skip(1).Select(line => line.Split(':', 2)).FirstOrDefault(parts => parts.Length == 2 && parts[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1].Trim();

    // SHA-1 is what the protocol says here; it proves that the server read the handshake, and protects nothing.
#pragma warning disable CA5350
    private static string AcceptOf(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptGuid)));
#pragma warning restore CA5350
}
