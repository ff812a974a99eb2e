using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Runnel.AspNetCore.Http;

/// <summary>Status and headers of a response, on the way from a worker to the gateway: a version, the status, how many values there are, and name and value of each.</summary>
internal static class ResponseHead
{
    /// <summary>The most bytes that it may have: what an <see cref="Exchange"/> sends in one part.</summary>
    public const int MostBytes = 64 * 1024;

    private const byte Version = 1;
    private const int LengthBytes = 5; // the most that an integer or the length of a text takes

    /// <summary>The most bytes that a head with these headers takes.</summary>
    public static int SizeOf(IHeaderDictionary headers) => 1 + LengthBytes + LengthBytes + headers.Sum(static header => header.Value.Sum(value => SizeOf(header.Key) + SizeOf(value ?? "")));

    public static byte[] Write(int statusCode, IHeaderDictionary headers)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Version);
        writer.Write7BitEncodedInt(statusCode);
        writer.Write7BitEncodedInt(headers.Sum(static header => header.Value.Count));
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
            {
                writer.Write(name);
                writer.Write(value ?? "");
            }
        }
        return bytes.ToArray();
    }

    /// <exception cref="FormatException">It is something else.</exception>
    public static (int StatusCode, HeaderDictionary Headers) Read(ReadOnlyMemory<byte> head)
    {
        using var reader = new BinaryReader(new MemoryStream(head.ToArray()));
        try
        {
            if (reader.ReadByte() is var version && version != Version)
                throw new FormatException($"A worker's response is of version {version}; version {Version} is known here. Update the gateways before the workers.");
            var statusCode = reader.Read7BitEncodedInt();
            var headers = new HeaderDictionary();
            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                var name = reader.ReadString();
                headers[name] = StringValues.Concat(headers[name], reader.ReadString());
            }
            return (statusCode, headers);
        }
        catch (EndOfStreamException exception)
        {
            throw new FormatException("The head of a worker's response is cut short.", exception);
        }
    }

    private static int SizeOf(string text) => LengthBytes + Encoding.UTF8.GetByteCount(text);
}
