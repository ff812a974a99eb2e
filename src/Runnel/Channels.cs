using System.Text.Json;
using Runnel.Layers;

namespace Runnel;

/// <summary>Sends to connections: straight to those of this node, to others through their node's inbox.</summary>
internal sealed class Channels(RunnelNode node) : IChannels
{
    public ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        var json = JsonSerializer.SerializeToUtf8Bytes(body, node.Options.Json);
        if (!node.IsHere(channel, out var session))
            return node.SendToNodeAsync(channel, type, json, cancellationToken);
        if (session is null)
            ConnectionMetrics.MessageWasDropped("connection-gone");
        else
            session.PostEvent(new GroupMessage(new Envelope(new Message(type, json)) { Channel = channel }));
        return ValueTask.CompletedTask;
    }
}
