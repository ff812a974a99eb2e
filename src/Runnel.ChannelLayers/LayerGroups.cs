using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>The groups that a channel layer has members in, and when each membership ends.</summary>
internal sealed class LayerGroups(
    IBackplane backplane, TimeSpan expiry, TimeProvider timeProvider, Func<Envelope, IReadOnlyList<ChannelName>, ValueTask> deliver)
{
    private readonly ConcurrentDictionary<GroupName, LayerGroup> _groups = new();
    private readonly Lock _expiryLock = new();

    // All memberships last equally long, so the oldest is the next to end.
    private readonly LinkedList<LayerMembership> _byAge = new();

    public int Count => _groups.Count;

    /// <summary>Memberships that began then, or before, are over.</summary>
    public long Horizon => Now - expiry.Ticks;

    // Not the time of day, which may be set: then all memberships would end at once, or none for long.
    private long Now => timeProvider.GetElapsedTime(0).Ticks;

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
        var topic = Topic.OfGroup(group);
        if (topic.Kind != TopicKind.Group)
            throw new ArgumentException($"'{group}' is the group of a job, and only Runnel sends to it. Choose another group for messages of your own.", nameof(group));
        await RemoveExpiredAsync().ConfigureAwait(false);
        await backplane.PublishAsync(topic, EnvelopeFormat.Encode(envelope), retention: null, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ClearAsync(CancellationToken cancellationToken)
    {
        foreach (var group in _groups.Values)
            await group.ClearAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins a membership's time, in place of the one before.</summary>
    public LinkedListNode<LayerMembership> Schedule(LayerGroup group, ChannelName channel, LinkedListNode<LayerMembership>? before)
    {
        lock (_expiryLock)
        {
            Remove(before);
            return _byAge.AddLast(new LayerMembership(group, channel, Now));
        }
    }

    public void Unschedule(LinkedListNode<LayerMembership> membership)
    {
        lock (_expiryLock)
            Remove(membership);
    }

    public ValueTask<ITopicSubscription> SubscribeAsync(GroupName group, Action<BackplaneMessage> onMessage, CancellationToken cancellationToken) =>
        backplane.SubscribeAsync(Topic.OfGroup(group), onMessage, cancellationToken);

    public ValueTask DeliverAsync(Envelope envelope, IReadOnlyList<ChannelName> members) => deliver(envelope, members);

    public void Forget(LayerGroup group) => _groups.TryRemove(new(group.Name, group));

    private async ValueTask RemoveExpiredAsync()
    {
        while (TakeExpired() is { } expired)
            await expired.Group.RemoveExpiredAsync(expired.Channel).ConfigureAwait(false);
    }

    private LayerMembership? TakeExpired()
    {
        lock (_expiryLock)
        {
            if (_byAge.First is not { } oldest || oldest.Value.Since > Horizon)
                return null;
            _byAge.Remove(oldest);
            return oldest.Value;
        }
    }

    // One that was taken since it had expired is out already.
    private void Remove(LinkedListNode<LayerMembership>? membership)
    {
        if (membership is { List: not null })
            _byAge.Remove(membership);
    }
}
