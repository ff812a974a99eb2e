using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>A group's members of one channel layer. It is subscribed to while it has any, and then it is forgotten.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose.")]
internal sealed class LayerGroup(GroupName name, LayerGroups groups)
{
    // The most messages that wait for a slow queue; past it they are dropped for this node's members, and counted.
    private const int MostPending = 10_000;

    private readonly SemaphoreSlim _changing = new(1);
    private readonly ConcurrentDictionary<ChannelName, LinkedListNode<LayerMembership>> _members = new();
    private IAsyncDisposable? _subscription;
    private Task _delivering = Task.CompletedTask;
    private int _pending;
    private bool _retired;

    public GroupName Name { get; } = name;

    /// <summary>Adds a member, or begins its time anew.</summary>
    /// <returns><see langword="false"/> when the group was forgotten meanwhile: get it anew.</returns>
    public async ValueTask<bool> TryAddAsync(ChannelName channel, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_retired)
                return false;
            _subscription ??= await groups.SubscribeAsync(Name, OnMessage, cancellationToken).ConfigureAwait(false);
            _members[channel] = groups.Schedule(this, channel, _members.GetValueOrDefault(channel));
            return true;
        }
        finally
        {
            await RetireIfEmptyAsync().ConfigureAwait(false);
            _changing.Release();
        }
    }

    public ValueTask RemoveAsync(ChannelName channel, CancellationToken cancellationToken) =>
        RemoveAsync(channel, onlyExpired: false, cancellationToken);

    /// <summary>Removes a member whose time is over, unless it was added again meanwhile.</summary>
    /// <remarks>It is noticed once, so the caller that notices it cannot cancel it.</remarks>
    public ValueTask RemoveExpiredAsync(ChannelName channel) => RemoveAsync(channel, onlyExpired: true, CancellationToken.None);

    public async ValueTask ClearAsync(CancellationToken cancellationToken)
    {
        foreach (var (channel, _) in _members)
            await RemoveAsync(channel, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask RemoveAsync(ChannelName channel, bool onlyExpired, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_members.TryGetValue(channel, out var membership) || (onlyExpired && membership.Value.Since > groups.Horizon))
                return;
            _members.TryRemove(channel, out _);
            groups.Unschedule(membership);
        }
        finally
        {
            await RetireIfEmptyAsync().ConfigureAwait(false);
            _changing.Release();
        }
    }

    private async ValueTask RetireIfEmptyAsync()
    {
        if (_retired || !_members.IsEmpty)
            return;
        _retired = true;
        groups.Forget(this);
        if (_subscription is not null)
            await _subscription.DisposeAsync().ConfigureAwait(false);
        await _delivering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Called one at a time. A queue that answers at once is served at once; for another one the messages line up.</summary>
    private void OnMessage(BackplaneMessage message)
    {
        var horizon = groups.Horizon;
        ChannelName[] members = [.. _members.Where(member => member.Value.Value.Since > horizon).Select(member => member.Key)];
        if (members.Length == 0)
            return;
        if (Interlocked.Increment(ref _pending) <= MostPending && TryDecode(message) is { } envelope)
        {
            _delivering = DeliverAfterAsync(_delivering, envelope, members);
            return;
        }
        Interlocked.Decrement(ref _pending);
        ChannelLayerMetrics.GroupDropped.Add(members.Length);
    }

    private async Task DeliverAfterAsync(Task before, Envelope envelope, ChannelName[] members)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await groups.DeliverAsync(envelope, members).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    private static Envelope? TryDecode(BackplaneMessage message)
    {
        try
        {
            return EnvelopeFormat.Decode(message.Payload);
        }
        catch (FormatException)
        {
            return null; // from a node of another version: this one's members miss it
        }
    }
}
