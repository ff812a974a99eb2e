using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>A client that says what it likes, byte by byte.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly IDisposable _connection;
    private readonly Stream _stream;

    private RawClient(IDisposable connection, Stream stream) => (_connection, _stream) = (connection, stream);

    public static async Task<RawClient> DialAsync(Uri address)
    {
        // A small window, so that a client that does not read is soon noticed.
        var tcp = new TcpClient { NoDelay = true, ReceiveBufferSize = 4096 };
        await tcp.ConnectAsync(address.Host, address.Port);
        return new RawClient(tcp, tcp.GetStream());
    }

    /// <summary>One over HTTP/2, with a handshake done (RFC 8441). What it does not read fills the window of its own stream.</summary>
    public static async Task<RawClient> ConnectOverHttp2Async(HttpMessageInvoker http, Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Connect, address) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Protocol = "websocket";
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        var response = await Wait.For(http.SendAsync(request, CancellationToken.None), "the handshake");
        return new RawClient(response, await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
    }

    public async Task SendAsync(byte[] bytes)
    {
        await Wait.For(_stream.WriteAsync(bytes).AsTask(), "the server to take bytes");
        await Wait.For(_stream.FlushAsync(), "the server to take bytes"); // over HTTP/2, they may wait for more until then
    }

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Shakes hands.</summary>
    public async Task HandshakeAsync(string path)
    {
        await SendAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n\r\n");
        var status = await ReadHeadAsync();
        if (!status.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
            throw new InvalidOperationException(status);
    }

    /// <summary>Reads the head of an HTTP answer.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new List<byte>();
        while (!(head.Count >= 4 && head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray())))
            head.Add((await ReadAsync(1))[0]);
        return Encoding.ASCII.GetString([.. head]);
    }

    /// <summary>Sends a frame; masked, as a client has to, unless told otherwise.</summary>
    public Task SendFrameAsync(int kind, ReadOnlySpan<byte> payload, bool final = true, bool masked = true, int reserved = 0) =>
        SendAsync(FrameOf(kind, payload, final, masked, reserved));

    /// <summary>A frame's bytes.</summary>
    public static byte[] FrameOf(int kind, ReadOnlySpan<byte> payload, bool final = true, bool masked = true, int reserved = 0)
    {
        var frame = new List<byte> { (byte)((final ? 0x80 : 0) | reserved << 4 | kind) };
        var mask = masked ? 0x80 : 0;
        if (payload.Length < 126)
        {
            frame.Add((byte)(mask | payload.Length));
        }
        else
        {
            frame.Add((byte)(mask | 127));
            var length = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
            frame.AddRange(length);
        }
        if (masked)
            frame.AddRange([0, 0, 0, 0]); // a mask of zeros changes nothing
        frame.AddRange(payload);
        return [.. frame];
    }

    public Task SendTextAsync(string text) => SendFrameAsync(1, Encoding.UTF8.GetBytes(text));

    /// <summary>Reads one frame.</summary>
    /// <exception cref="EndOfStreamException">The server closed or reset the connection.</exception>
    public async Task<(int Kind, byte[] Payload)> ReadFrameAsync()
    {
        var head = await ReadAsync(2);
        Assert.Equal(0x80, head[0] & 0xF0); // final, nothing reserved
        Assert.Equal(0, head[1] & 0x80); // a server masks nothing
        var length = head[1] & 0x7F;
        if (length == 126)
            length = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
        else if (length == 127)
            length = (int)BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8));
        return (head[0] & 0x0F, await ReadAsync(length));
    }

    /// <summary>Reads a frame that has to be a close.</summary>
    /// <returns>Its code.</returns>
    public async Task<int> ReadCloseAsync()
    {
        var (kind, payload) = await ReadFrameAsync();
        Assert.Equal((int)FrameKind.Close, kind);
        return BinaryPrimitives.ReadUInt16BigEndian(payload);
    }

    /// <summary>Reads frames until the close.</summary>
    public async Task<int> ReadToCloseAsync() => (await ReadToReasonAsync()).Code;

    /// <summary>Reads frames until the close.</summary>
    public async Task<(int Code, string Reason)> ReadToReasonAsync()
    {
        while (true)
        {
            var (kind, payload) = await ReadFrameAsync();
            if (kind == (int)FrameKind.Close)
                return (BinaryPrimitives.ReadUInt16BigEndian(payload), Encoding.UTF8.GetString(payload.AsSpan(2)));
        }
    }

    /// <summary>Reads until the server ends the connection, politely or not.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        try
        {
            await Wait.For(_stream.CopyToAsync(all), "the server to end the connection");
        }
        catch (IOException)
        {
            // reset
        }
        return all.ToArray();
    }

    /// <summary>Resets the connection: no goodbye of any kind.</summary>
    public void Reset()
    {
        var tcp = (TcpClient)_connection;
        tcp.LingerState = new LingerOption(true, 0);
        tcp.Close();
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>Reads so many bytes.</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        try
        {
            await Wait.For(_stream.ReadExactlyAsync(bytes).AsTask(), "bytes from the server");
        }
        catch (IOException exception) when (exception is not EndOfStreamException)
        {
            throw new EndOfStreamException("The server reset the connection.", exception);
        }
        return bytes;
    }
}
