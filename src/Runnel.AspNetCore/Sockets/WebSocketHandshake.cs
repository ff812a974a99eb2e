using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Runnel.AspNetCore.Sockets;

/// <summary>The opening handshake (RFC 6455 §4.2; over HTTP/2, RFC 8441 §5).</summary>
internal static class WebSocketHandshake
{
    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Whether the request asks for a WebSocket as it should.</summary>
    public static bool IsValid(HttpContext context, out string problem)
    {
        problem = "";
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" })
            return true;
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true })
        {
            // Another server may have its own way of accepting (IIS, the test host).
            if (context.WebSockets.IsWebSocketRequest)
                return true;
            problem = "This endpoint speaks WebSocket: connect with ws:// or wss://.";
            return false;
        }
        var headers = context.Request.Headers;
        if (!HttpMethods.IsGet(context.Request.Method) || HttpProtocol.IsHttp10(context.Request.Protocol) || !headers.GetCommaSeparatedValues(HeaderNames.Upgrade).Contains("websocket", StringComparer.OrdinalIgnoreCase))
            problem = "This endpoint speaks WebSocket: ask with GET, HTTP/1.1 and 'Upgrade: websocket'.";
        else if (headers.SecWebSocketVersion != "13")
            problem = "This endpoint speaks WebSocket version 13: send 'Sec-WebSocket-Version: 13'.";
        else if (!IsKey(headers.SecWebSocketKey))
            problem = "The handshake needs a 'Sec-WebSocket-Key' of 16 bytes in base64.";
        return problem.Length == 0;
    }

    /// <summary>Accepts the request on its own connection.</summary>
    /// <returns>The stream both ways, or <see langword="null"/> when the server has its own way of accepting.</returns>
    public static async Task<Stream?> UpgradeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } extended)
            return await extended.AcceptAsync();
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
            return null;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = AcceptOf(context.Request.Headers.SecWebSocketKey!);
        return await upgrade.UpgradeAsync();
    }

    private static bool IsKey(string? key)
    {
        Span<byte> bytes = stackalloc byte[16];
        return key is { Length: 24 } && Convert.TryFromBase64String(key, bytes, out var length) && length == 16;
    }

    // SHA-1 is what the protocol says here; it proves that the server read the handshake, and protects nothing.
#pragma warning disable CA5350
    private static string AcceptOf(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptGuid)));
#pragma warning restore CA5350
}
