using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>Channels' layer specification on a layer whose broker finds the channels of a process by their names, as that of Python's channels_rabbitmq does.</summary>
/// <remarks>
/// Only such channels exist: what has no process is work, and has a consumer. What nobody reads waits in the process that it was sent to, with the bounds of the layer. A
/// process adds its own channels to groups.
/// </remarks>
internal sealed class DirectChannelLayer : IChannelLayer, IAsyncDisposable
{
    private readonly IDirectChannels _channels;
    private readonly ChannelLayerOptions _options;
    private readonly LayerGroups _groups;
    private readonly CancellationTokenSource _stopping = new();

    public DirectChannelLayer(IBackplane backplane, IDirectChannels channels, ChannelLayerOptions options, TimeProvider timeProvider)
    {
        (_channels, _options) = (channels, options);
        _groups = new LayerGroups(backplane, options.GroupExpiry, timeProvider, DeliverToMembersAsync);
    }

    /// <summary>How many groups have members here.</summary>
    internal int GroupCount => _groups.Count;

    public async ValueTask SendAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        RequireProcess(channel);
        CheckSize(new Envelope(message) { Channel = channel }, $"channel '{channel}'");
        await _channels.SendAsync(channel, message, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        RequireProcess(channel);
        RequireOwn(channel, "received there only");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        try
        {
            return await _channels.ReceiveAsync(channel, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(IChannelLayer));
        }
    }

    public ValueTask<ChannelName> NewChannelAsync(string prefix = "specific", CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        ChannelPrefix.Check(prefix);
        return _channels.NewChannelAsync(cancellationToken);
    }

    public ValueTask AddToGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        RequireProcess(channel);
        RequireOwn(channel, "added to groups there");
        return _groups.AddAsync(group, channel, cancellationToken);
    }

    public ValueTask RemoveFromGroupAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        return _groups.RemoveAsync(group, channel, cancellationToken);
    }

    public ValueTask SendToGroupAsync(GroupName group, Message message, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        var envelope = new Envelope(message);
        CheckSize(envelope, $"group '{group}'");
        return _groups.SendAsync(group, envelope, cancellationToken);
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        await _groups.ClearAsync(cancellationToken).ConfigureAwait(false);
        _channels.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _groups.ClearAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private ValueTask DeliverToMembersAsync(Envelope envelope, IReadOnlyList<ChannelName> members)
    {
        foreach (var member in members)
        {
            if (!_channels.Deliver(member, envelope.Message))
                ChannelLayerMetrics.GroupDropped.Add(1);
        }
        return ValueTask.CompletedTask;
    }

    private void CheckSize(Envelope envelope, string destination)
    {
        if (EnvelopeFormat.Measure(envelope) is var size && size > _options.MaxMessageBytes)
            throw new MessageTooLargeException(destination, size, _options.MaxMessageBytes);
    }

    private static void RequireProcess(ChannelName channel)
    {
        if (!channel.IsProcessSpecific)
            throw new InvalidOperationException($"Channel '{channel}' belongs to no process, and on this layer IChannelLayer has only channels of processes. Use a name that NewChannelAsync made, or a channel with a consumer (MapChannel).");
    }

    private void RequireOwn(ChannelName channel, string what)
    {
        if (!channel.Value.StartsWith($"{_channels.Process}!", StringComparison.Ordinal))
            throw new InvalidOperationException($"Channel '{channel}' belongs to another process and is {what}. Use a name that NewChannelAsync of this layer made.");
    }
}
