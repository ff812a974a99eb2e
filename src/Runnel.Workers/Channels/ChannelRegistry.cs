using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using Runnel.Layers;
using Runnel.Workers.Channels;

namespace Runnel.Workers;

/// <summary>The channels that this application has consumers for.</summary>
public sealed class ChannelRegistry
{
    private static readonly ChannelOptions Defaults = new();

    // Looked into for every message that is sent, so without a lock; added to while the application is put together.
    private readonly ConcurrentDictionary<string, ChannelDefinition> _channels = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private bool _isClosed;

    /// <summary>The channels' names, in order.</summary>
    public IReadOnlyList<ChannelName> Names => [.. _channels.OrderBy(channel => channel.Key, StringComparer.Ordinal).Select(channel => channel.Value.Name)];

    /// <summary>The options of a channel; the defaults for one that is consumed elsewhere only.</summary>
    public ChannelOptions OptionsOf(ChannelName name) => Find(name)?.Options ?? Defaults;

    /// <summary>The types of messages that a channel has consumers for; <c>*</c> for any.</summary>
    public IReadOnlyList<string> TypesOf(ChannelName name) => [.. Find(name)?.Types ?? []];

    internal ChannelDefinition? Find(ChannelName name) => _channels.GetValueOrDefault(name.Value);

    /// <summary>The application starts: from now on no consumer is added.</summary>
    internal void Close()
    {
        lock (_lock)
            _isClosed = true;
    }

    internal void Add(ChannelName name, MessageHandler handler, Action<ChannelOptions>? configure)
    {
        if (name.IsProcessSpecific)
            throw new ArgumentException($"Channel '{name}' belongs to one process: consumers are for channels without a '!'.", nameof(name));
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new InvalidOperationException(
                    $"Channel '{name}' was mapped after the application had started, and no worker would take its messages: call MapChannel before the application runs.");
            }
            var channel = _channels.GetOrAdd(name.Value, _ => new ChannelDefinition(name, new ChannelOptions()));
            configure?.Invoke(channel.Options);
            Validator.ValidateObject(channel.Options, new ValidationContext(channel.Options), validateAllProperties: true);
            Validator.ValidateObject(channel.Options.Retry, new ValidationContext(channel.Options.Retry), validateAllProperties: true);
            channel.Add(handler);
        }
    }
}
