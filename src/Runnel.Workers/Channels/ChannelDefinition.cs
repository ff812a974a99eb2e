using Runnel.Layers;

namespace Runnel.Workers.Channels;

/// <summary>A channel as the application declared it: its options and its consumers.</summary>
internal sealed class ChannelDefinition(ChannelName name, ChannelOptions options)
{
    private readonly Dictionary<string, MessageHandler> _handlers = [];
    private MessageHandler? _anyType;

    public ChannelName Name { get; } = name;

    /// <summary>Replaced, and never changed: senders read them meanwhile.</summary>
    public ChannelOptions Options { get; set; } = options;

    /// <summary>Whether this application consumes the channel. Otherwise it only sends there.</summary>
    public bool HasConsumers => _anyType is not null || _handlers.Count > 0;

    /// <summary>The message types that it has consumers for, for people.</summary>
    public IEnumerable<string> Types => _anyType is null ? _handlers.Keys.Order(StringComparer.Ordinal) : [.. _handlers.Keys.Order(StringComparer.Ordinal), "*"];

    /// <exception cref="ArgumentException">There is a consumer of that type already.</exception>
    public void Add(MessageHandler handler)
    {
        if (handler.Type is null ? _anyType is not null : !_handlers.TryAdd(handler.Type, handler))
            throw new ArgumentException($"Channel '{Name}' has a consumer for messages of type '{handler.Type ?? "any"}' already; give the type another name with [MessageType], or map it on another channel.");
        if (handler.Type is null)
            _anyType = handler;
    }

    public MessageHandler? HandlerOf(string type) => _handlers.GetValueOrDefault(type) ?? _anyType;
}
