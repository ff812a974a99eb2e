using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Consumers;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Nodes;
using Runnel.Streams;

namespace Runnel;

/// <summary>This process as a member of the whole: its name, its open connections, its groups.</summary>
public sealed class RunnelNode : IAsyncDisposable
{
    private const string Prefix = "node.";
    private readonly IBackplane _backplane;
    private long _lastNumber;

    /// <summary>Creates the node; an application gets it from dependency injection.</summary>
    public RunnelNode(IBackplane backplane, IOptions<RunnelOptions> options, IServiceProvider services, TimeProvider timeProvider, ILogger<RunnelNode> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _backplane = backplane;
        Options = options.Value;
        Services = services;
        TimeProvider = timeProvider;
        Logger = logger;
        Groups = new GroupRegistry(this, backplane);
    }

    /// <summary>The node's name, unique over all nodes and all starts.</summary>
    public string Id { get; } = Prefix + Guid.NewGuid().ToString("N");

    /// <summary>The options of connections and groups.</summary>
    public RunnelOptions Options { get; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>How many connections are open, streams of shared sockets included.</summary>
    public int ConnectionCount => Open.Count;

    /// <summary>The open connections, streams of shared sockets included, at some moment during the enumeration.</summary>
    public IEnumerable<Connection> Connections => Open.All;

    internal IServiceProvider Services { get; }

    /// <summary>Where connections say what befalls them.</summary>
    public ILogger Logger { get; }

    internal GroupRegistry Groups { get; }

    internal MemberTable Members { get; } = new();

    internal ConnectionTable Open { get; } = new();

    internal IChannels Channels => field ??= Services.GetRequiredService<IChannels>();

    /// <summary>Sends an event to one connection, on whichever node it is. At most once; one for a connection that is gone is counted.</summary>
    /// <exception cref="ArgumentException">The channel is no connection's, or the message's type is one of Runnel's own.</exception>
    /// <exception cref="MessageTooLargeException">The message is larger than <see cref="RunnelOptions.MaxGroupMessageBytes"/>.</exception>
    public ValueTask SendEventAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Type.StartsWith(NodeInbox.OwnTypes, StringComparison.Ordinal))
            throw new ArgumentException($"'{message.Type}' is no type for an event: types that begin with '{NodeInbox.OwnTypes}' are Runnel's own.", nameof(message));
        if (message.Body.Length > Options.MaxGroupMessageBytes)
            throw new MessageTooLargeException($"channel '{channel}'", message.Body.Length, Options.MaxGroupMessageBytes);
        if (!IsHere(channel, out var member))
            return SendToNodeAsync(channel, message.Type, message.Body, cancellationToken);
        if (member is null)
            ConnectionMetrics.MessageWasDropped("connection-gone");
        else
            member.PostEvent(new GroupMessage(new Envelope(message) { Channel = channel }));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Groups.DisposeAsync();

    internal long NextNumber() => Interlocked.Increment(ref _lastNumber);

    internal ChannelName ChannelNameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Id}!{number:x}");

    /// <summary>Whether a connection's channel is one of this node; if so, its member, or <see langword="null"/> when the connection is over.</summary>
    /// <exception cref="ArgumentException">The channel is no connection's.</exception>
    internal bool IsHere(ChannelName channel, out GroupMember? member)
    {
        member = null;
        var (nodeId, number) = Parse(channel);
        if (nodeId != Id)
            return false;
        member = Members.Find(number);
        return true;
    }

    /// <summary>Sends a message to the inbox of the node that holds a connection.</summary>
    internal async ValueTask SendToNodeAsync(ChannelName channel, string type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var bytes = EnvelopeFormat.Encode(new Envelope(new Message(type, body)) { Channel = channel });
        await _backplane.PublishAsync(Topic.OfNode(Parse(channel).NodeId), bytes, retention: null, cancellationToken);
    }

    /// <summary>The member of a connection of this node; <see langword="null"/> when the connection is over.</summary>
    internal GroupMember? MemberOf(ChannelName channel) => Members.Find(Parse(channel).Number);

    /// <summary>Closes every connection, and cuts those whose clients have not answered in time.</summary>
    internal async Task CloseAllAsync(int code, string reason, TimeSpan limit)
    {
        var emptied = Open.EmptiedAsync();
        // A stream ends with its socket.
        var closing = Task.WhenAll(Connections.Where(connection => connection is not StreamConnection).Select(connection => connection.CloseAsync(code, reason)));
        try
        {
            // Written is not read: a connection that is cut at once resets, and its client would never see why.
            await Task.WhenAll(closing, emptied).WaitAsync(limit, TimeProvider);
        }
        catch (Exception exception)
        {
            Log.ClosingTookTooLong(Logger, exception, Open.Count, limit);
        }
        foreach (var connection in Connections)
            connection.Abort();
    }

    private static (string NodeId, long Number) Parse(ChannelName channel)
    {
        var name = channel.Value;
        var at = name.IndexOf('!', StringComparison.Ordinal);
        if (at > 0 && name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(at + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number))
            return (name[..at], number);
        throw new ArgumentException($"Channel '{name}' is no connection's: take a connection's ChannelName.", nameof(channel));
    }
}
