using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Runnel.AspNetCore;

/// <summary>A file of the browser client, carried in this assembly so that an application needs no Node and no other host.</summary>
internal sealed class BrowserClient
{
    private readonly byte[] _content;
    private readonly string _type;
    private readonly EntityTagHeaderValue _tag;

    private BrowserClient(string name, string type)
    {
        (Name, _type, _content) = (name, type, Read(name));
        _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(_content).AsSpan(0, 8))}\"");
    }

    /// <summary>The module, its types, and its source map.</summary>
    public static IReadOnlyList<BrowserClient> Files { get; } =
    [
        new("client.js", "text/javascript; charset=utf-8"),
        new("client.d.ts", "text/plain; charset=utf-8"),
        new("client.js.map", "application/json"),
    ];

    public string Name { get; }

    public IResult Serve(HttpResponse response)
    {
        response.Headers.CacheControl = "no-cache"; // asked for anew, and answered with 304 while it is the same
        return TypedResults.Bytes(_content, _type, entityTag: _tag);
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(BrowserClient).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"This build of Runnel.AspNetCore does not carry {name}.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
