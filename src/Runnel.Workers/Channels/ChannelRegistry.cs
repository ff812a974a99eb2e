using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using Runnel.Layers;
using Runnel.Workers.Channels;

namespace Runnel.Workers;

/// <summary>The channels that this application has declared: those it has consumers for, and those it only sends to.</summary>
public sealed class ChannelRegistry
{
    private static readonly ChannelOptions Defaults = new();

    // Looked into for every message that is sent, so without a lock; added to while the application is put together.
    private readonly ConcurrentDictionary<string, ChannelDefinition> _channels = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private bool _isClosed;

    /// <summary>Creates a registry without channels; an application gets its own from dependency injection.</summary>
    public ChannelRegistry()
    {
    }

    internal ChannelRegistry(IEnumerable<ChannelDeclaration> declarations)
    {
        foreach (var channel in declarations)
            _channels[channel.Name.Value] = new ChannelDefinition(channel.Name, channel.Options);
    }

    /// <summary>The names of the channels that this application has consumers for, in order.</summary>
    public IReadOnlyList<ChannelName> Names => [.. Declared.Where(channel => channel.HasConsumers).Select(channel => channel.Name)];

    /// <summary>The channels that are declared, in the order of their names.</summary>
    internal IEnumerable<ChannelDefinition> Declared => _channels.OrderBy(channel => channel.Key, StringComparer.Ordinal).Select(channel => channel.Value);

    /// <summary>The options of a channel; the defaults for one that is not declared.</summary>
    public ChannelOptions OptionsOf(ChannelName name) => Find(name)?.Options ?? Defaults;

    /// <summary>The types of messages that a channel has consumers for; <c>*</c> for any.</summary>
    public IReadOnlyList<string> TypesOf(ChannelName name) => [.. Find(name)?.Types ?? []];

    /// <summary>Declares a channel that this application sends to, without consuming it. Declaring it again changes those options that you set, and keeps the others.</summary>
    /// <remarks>
    /// Where the application is put together, <c>AddChannel</c> does this. Call this method for channels whose names are only known while the application runs:
    /// what the layer lacks is then refused when it is used, and not when the application starts. If an option is refused, the channel's options stay as they are.
    /// </remarks>
    /// <param name="name">The channel.</param>
    /// <param name="configure">The channel's options.</param>
    /// <exception cref="ArgumentException">The channel belongs to one process.</exception>
    /// <exception cref="ValidationException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The application has started, and has consumers for the channel.</exception>
    public void Declare(ChannelName name, Action<ChannelOptions>? configure = null)
    {
        lock (_lock)
        {
            if (_isClosed && Find(name) is { HasConsumers: true })
                throw new InvalidOperationException($"The options of channel '{name}' cannot change any more, since the application has started and consumes it: give them to MapChannel.");
            var options = Configured(name, configure);
            Define(name).Options = options;
        }
    }

    internal ChannelDefinition? Find(ChannelName name) => _channels.GetValueOrDefault(name.Value);

    /// <summary>The application starts: from now on no consumer is added.</summary>
    internal void Close()
    {
        lock (_lock)
            _isClosed = true;
    }

    internal void Add(ChannelName name, MessageHandler handler, Action<ChannelOptions>? configure)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new InvalidOperationException(
                    $"Channel '{name}' was mapped after the application had started, and no worker would take its messages: call MapChannel before the application runs.");
            }
            var options = Configured(name, configure);
            var channel = Define(name);
            channel.Add(handler);
            channel.Options = options;
        }
    }

    private ChannelDefinition Define(ChannelName name) => _channels.GetOrAdd(name.Value, _ => new ChannelDefinition(name, Defaults));

    private ChannelOptions Configured(ChannelName name, Action<ChannelOptions>? configure) => OptionsOf(ThrowIfOfProcess(name)).With(configure);

    internal static ChannelName ThrowIfOfProcess(ChannelName name) => name.IsProcessSpecific
        ? throw new ArgumentException($"Channel '{name}' belongs to one process: only channels without a '!' are declared.", nameof(name))
        : name;
}
