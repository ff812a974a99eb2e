namespace Runnel.Cli.Sockets;

/// <summary>Whoever reads a WebSocket. The memory is valid during the call.</summary>
internal interface IFrameReceiver
{
    /// <summary>A whole message came.</summary>
    void OnMessage(ReadOnlySpan<byte> message);

    /// <summary>The server wants a pong.</summary>
    void OnPing(ReadOnlySpan<byte> payload);

    /// <summary>The server closes the connection. Nothing follows.</summary>
    void OnClose(int code, string reason);
}
