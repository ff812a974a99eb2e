namespace Runnel.Links;

/// <summary>Says what the consumers of this node take from gateways. Asked once, when the node has started.</summary>
internal interface IWorkerChannels
{
    /// <summary>The channels: <c>websocket.connect.NAME</c> for connections, <c>http.request.NAME</c> for requests. None if this node leaves them to others.</summary>
    IEnumerable<string> Channels { get; }

    /// <summary>The most connections that this node takes.</summary>
    int MostConnections { get; }
}
