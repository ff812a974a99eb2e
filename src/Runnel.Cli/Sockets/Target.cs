namespace Runnel.Cli.Sockets;

/// <summary>Where the WebSockets lead.</summary>
internal sealed record Target(string Host, int Port, bool IsEncrypted, string PathAndQuery)
{
    /// <summary>The address as it is written.</summary>
    public override string ToString() => $"{(IsEncrypted ? "wss" : "ws")}://{Authority}{PathAndQuery}";

    /// <summary>Host and port, as a request names them.</summary>
    public string Authority => $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}";

    /// <exception cref="FormatException">The text is not the address of a WebSocket.</exception>
    public static Target Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("ws" or "wss" or "http" or "https") || uri.Host.Length == 0)
            throw new FormatException($"'{text}' is not the address of a WebSocket. Write ws://HOST:PORT/PATH or wss://HOST/PATH; http:// and https:// mean the same.");
        if (uri.UserInfo.Length > 0)
            throw new FormatException("The address names a user. Give what the server asks for with --header instead, such as --header 'Authorization: Bearer …'.");
        return new Target(uri.IdnHost.Trim('[', ']'), uri.Port, uri.Scheme is "wss" or "https", uri.PathAndQuery);
    }
}
