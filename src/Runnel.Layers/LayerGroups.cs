using System.Collections.Concurrent;

namespace Runnel.Layers;

/// <summary>The groups that a channel layer has members in, and when each membership ends.</summary>
internal sealed class LayerGroups(
    IBackplane backplane, TimeSpan expiry, TimeProvider timeProvider, Func<Envelope, IReadOnlyList<ChannelName>, ValueTask> deliver)
{
    private readonly ConcurrentDictionary<GroupName, LayerGroup> _groups = new();
    private readonly Lock _expiryLock = new();
    private readonly TimeHeap<(LayerGroup Group, ChannelName Channel)> _expiries = new();

    public int Count => _groups.Count;

    public long Now => timeProvider.GetUtcNow().UtcTicks;

    public async ValueTask AddAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken)
    {
        _ = channel.Value; // refuses the name that was never set
        await RemoveExpiredAsync().ConfigureAwait(false);
        while (true)
        {
            var entry = _groups.GetOrAdd(group, static (name, groups) => new LayerGroup(name, groups), this);
            if (await entry.TryAddAsync(channel, cancellationToken).ConfigureAwait(false))
                return;
        }
    }

    public async ValueTask RemoveAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken)
    {
        await RemoveExpiredAsync().ConfigureAwait(false);
        if (_groups.TryGetValue(group, out var entry))
            await entry.RemoveAsync(channel, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask SendAsync(GroupName group, Envelope envelope, CancellationToken cancellationToken)
    {
        await RemoveExpiredAsync().ConfigureAwait(false);
        await backplane.PublishAsync(Topic.OfGroup(group), EnvelopeFormat.Encode(envelope), retention: null, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ClearAsync(CancellationToken cancellationToken)
    {
        foreach (var group in _groups.Values)
            await group.ClearAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins a membership's time anew.</summary>
    public TimeHeap<(LayerGroup Group, ChannelName Channel)>.Node Schedule(
        LayerGroup group, ChannelName channel, TimeHeap<(LayerGroup Group, ChannelName Channel)>.Node? before)
    {
        lock (_expiryLock)
        {
            if (before is { Index: >= 0 })
                _expiries.Remove(before);
            return _expiries.Add(ChannelClock.Later(Now, expiry), (group, channel));
        }
    }

    public void Unschedule(TimeHeap<(LayerGroup Group, ChannelName Channel)>.Node membership)
    {
        lock (_expiryLock)
        {
            if (membership.Index >= 0)
                _expiries.Remove(membership);
        }
    }

    public ValueTask<IAsyncDisposable> SubscribeAsync(GroupName group, Action<BackplaneMessage> onMessage, CancellationToken cancellationToken) =>
        backplane.SubscribeAsync(Topic.OfGroup(group), onMessage, cancellationToken);

    public ValueTask DeliverAsync(Envelope envelope, IReadOnlyList<ChannelName> members) => deliver(envelope, members);

    public void Forget(LayerGroup group) => _groups.TryRemove(new(group.Name, group));

    private async ValueTask RemoveExpiredAsync()
    {
        while (TakeExpired() is { } expired)
            await expired.Group.RemoveExpiredAsync(expired.Channel).ConfigureAwait(false);
    }

    private (LayerGroup Group, ChannelName Channel)? TakeExpired()
    {
        lock (_expiryLock)
            return _expiries.NextTime <= Now ? _expiries.TakeFirst() : null;
    }
}
