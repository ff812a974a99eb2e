using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Runnel.AspNetCore;

/// <summary>The browser client, carried in this assembly so that an application needs no Node and no other host.</summary>
internal static class BrowserClient
{
    private static readonly byte[] Content = Read();
    private static readonly EntityTagHeaderValue Tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(Content).AsSpan(0, 8))}\"");

    public static IResult Serve(HttpResponse response)
    {
        response.Headers.CacheControl = "no-cache"; // asked for anew, and answered with 304 while it is the same
        return TypedResults.Bytes(Content, "text/javascript; charset=utf-8", entityTag: Tag);
    }

    private static byte[] Read()
    {
        using var stream = typeof(BrowserClient).Assembly.GetManifestResourceStream("client.js")
            ?? throw new InvalidOperationException("This build of Runnel.AspNetCore carries no browser client.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
