using System.Globalization;
using Runnel.Layers;

namespace Runnel.Nodes;

/// <summary>Sends to single connections: reads their addresses, and publishes to the inbox of the node that holds one.</summary>
internal sealed class InboxSender(NodeContext node, IBackplane backplane)
{
    /// <summary>How the types of our own messages begin; an application's types cannot.</summary>
    public const string OwnTypes = GroupMessage.OwnTypes;

    /// <summary>The type of the message that lets a connection join the group in its body.</summary>
    public const string JoinType = OwnTypes + "join";

    /// <summary>The type of the message that lets a connection leave the group in its body.</summary>
    public const string LeaveType = OwnTypes + "leave";

    /// <summary>Whether a connection is one of this node, and if so, its number.</summary>
    /// <exception cref="ArgumentException">The channel is not the address of a connection.</exception>
    public bool IsHere(ChannelName channel, out long number)
    {
        (var nodeId, number) = Parse(channel);
        return nodeId == node.Id;
    }

    /// <summary>Sends a message to the node that holds a connection.</summary>
    /// <exception cref="ArgumentException">The channel is not the address of a connection.</exception>
    public async ValueTask SendAsync(ChannelName channel, string type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var bytes = EnvelopeFormat.Encode(new Envelope(new Message(type, body)) { Channel = channel });
        await backplane.PublishAsync(Topic.OfNode(Parse(channel).NodeId), bytes, retention: null, cancellationToken);
    }

    private static (string NodeId, long Number) Parse(ChannelName channel)
    {
        var name = channel.Value;
        var at = name.IndexOf('!', StringComparison.Ordinal);
        if (at > 0 && name.StartsWith(NodeContext.Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(at + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number))
            return (name[..at], number);
        throw new ArgumentException($"Channel '{name}' is not the address of a connection: take a connection's ChannelName.", nameof(channel));
    }
}
