using System.Collections.Concurrent;
using System.Globalization;
using RabbitMQ.Client;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Which channels there are, and into how many shards their keys are split: what all processes have to agree on.</summary>
/// <remarks>
/// A log on the broker, since a broker without plugins lists nothing. Where two processes add different numbers of shards, the first one counts for both. Lines:
/// <code>
/// channel payments
/// keyed payments 16
/// </code>
/// </remarks>
internal sealed class ChannelRegistry
{
    private const string Channel = "channel", Keyed = "keyed";

    private readonly RabbitMQOptions _options;
    private readonly SharedLog _log;
    private readonly ConcurrentDictionary<ChannelName, int> _channels = new();
    private readonly ConcurrentDictionary<ChannelName, TaskCompletionSource<int>> _awaited = new();
    private Task? _caughtUp;

    public ChannelRegistry(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, QueuePlan plan)
    {
        _options = broker.Options;
        _log = new SharedLog(broker, sender, topology, plan.Channels, Read);
    }

    /// <summary>Raised when a channel's keys are split for the first time. A handler must not block.</summary>
    public event Action<ChannelName, int>? Split;

    /// <inheritdoc cref="SharedLog.ReadAsync"/>
    public Task ReadAsync(IConnection connection, CancellationToken cancellationToken) => _log.ReadAsync(connection, cancellationToken);

    /// <summary>How many shards the keys of a channel are split into; 0 when it has had no message with a key, as far as is known here.</summary>
    public int ShardsOf(ChannelName channel) => _channels.GetValueOrDefault(channel);

    /// <summary>Makes sure that the channel is in the list.</summary>
    public async Task AddAsync(ChannelName channel)
    {
        if (_channels.ContainsKey(channel))
            return;
        await CatchUpAsync().ConfigureAwait(false);
        if (_channels.TryAdd(channel, 0))
            await _log.WriteAsync($"{Channel} {channel}").ConfigureAwait(false);
    }

    /// <summary>Makes sure that the channel's keys are split.</summary>
    /// <returns>Into how many shards.</returns>
    public async Task<int> SplitAsync(ChannelName channel)
    {
        if (ShardsOf(channel) is > 0 and var known)
            return known;
        await CatchUpAsync().ConfigureAwait(false);
        var first = AwaitedOf(channel);
        if (ShardsOf(channel) is > 0 and var found)
            return found;
        await _log.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{Keyed} {channel} {_options.KeyShards}")).ConfigureAwait(false);
        await _log.WithinAsync(first.Task).ConfigureAwait(false);
        return await first.Task.ConfigureAwait(false);
    }

    /// <summary>All channels that have ever been used.</summary>
    public async Task<IReadOnlyList<ChannelName>> ListAsync()
    {
        await CatchUpAsync().ConfigureAwait(false);
        return [.. _channels.Keys.OrderBy(static channel => channel.Value, StringComparer.Ordinal)];
    }

    // Once: from then on whatever is added is heard of.
    private Task CatchUpAsync()
    {
        var caughtUp = Volatile.Read(ref _caughtUp);
        if (caughtUp is null or { IsFaulted: true } or { IsCanceled: true })
            Volatile.Write(ref _caughtUp, caughtUp = _log.CatchUpAsync());
        return caughtUp;
    }

    private TaskCompletionSource<int> AwaitedOf(ChannelName channel) => _awaited.GetOrAdd(channel, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private void Read(string[] words)
    {
        if (words is [Channel, var plain] && ChannelName.IsValid(plain))
            _channels.TryAdd(plain, 0);
        else if (words is [Keyed, var name, var text] && ChannelName.IsValid(name) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var shards) && shards > 0)
            ReadSplit(name, shards);
    }

    // Lines are read one after another.
    private void ReadSplit(ChannelName channel, int shards)
    {
        if (ShardsOf(channel) > 0)
            return;
        _channels[channel] = shards;
        AwaitedOf(channel).TrySetResult(shards);
        Split?.Invoke(channel, shards);
    }
}
