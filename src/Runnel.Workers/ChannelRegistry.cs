using System.ComponentModel.DataAnnotations;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>The channels that this application has consumers for.</summary>
public sealed class ChannelRegistry
{
    private static readonly ChannelOptions Defaults = new();
    private readonly SortedDictionary<string, ChannelDefinition> _channels = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>The channels' names, in order.</summary>
    public IReadOnlyList<ChannelName> Names
    {
        get
        {
            lock (_lock)
                return [.. _channels.Values.Select(channel => channel.Name)];
        }
    }

    /// <summary>The options of a channel; the defaults for one that is consumed elsewhere only.</summary>
    public ChannelOptions OptionsOf(ChannelName name) => Find(name)?.Options ?? Defaults;

    /// <summary>The types of messages that a channel has consumers for; <c>*</c> for any.</summary>
    public IReadOnlyList<string> TypesOf(ChannelName name) => [.. Find(name)?.Types ?? []];

    internal ChannelDefinition? Find(ChannelName name)
    {
        lock (_lock)
            return _channels.GetValueOrDefault(name.Value);
    }

    internal void Add(ChannelName name, MessageHandler handler, Action<ChannelOptions>? configure)
    {
        if (name.IsProcessSpecific)
            throw new ArgumentException($"Channel '{name}' belongs to one process: consumers are for channels without a '!'.", nameof(name));
        lock (_lock)
        {
            if (!_channels.TryGetValue(name.Value, out var channel))
                _channels.Add(name.Value, channel = new ChannelDefinition(name, new ChannelOptions()));
            configure?.Invoke(channel.Options);
            Validator.ValidateObject(channel.Options, new ValidationContext(channel.Options), validateAllProperties: true);
            Validator.ValidateObject(channel.Options.Retry, new ValidationContext(channel.Options.Retry), validateAllProperties: true);
            channel.Add(handler);
        }
    }
}
