namespace Runnel.AspNetCore.Http;

/// <summary>What a worker has to know of a request before its body: method and scope.</summary>
internal static class RequestHead
{
    private const byte Version = 1;

    public static byte[] Write(string method, ReadOnlyMemory<byte> scope)
    {
        using var bytes = new MemoryStream(scope.Length + 16);
        using var writer = new BinaryWriter(bytes);
        writer.Write(Version);
        writer.Write(method);
        writer.Write(scope.Span);
        return bytes.ToArray();
    }

    /// <exception cref="FormatException">It is something else.</exception>
    public static (string Method, ReadOnlyMemory<byte> Scope) Read(ReadOnlyMemory<byte> head)
    {
        var stream = new MemoryStream(head.ToArray());
        using var reader = new BinaryReader(stream);
        try
        {
            if (reader.ReadByte() is var version && version != Version)
                throw new FormatException($"A gateway's request is of version {version}; version {Version} is known here. Update the workers before the gateways.");
            var method = reader.ReadString();
            return (method, head[(int)stream.Position..]);
        }
        catch (EndOfStreamException exception)
        {
            throw new FormatException("The head of a gateway's request is cut short.", exception);
        }
    }
}
