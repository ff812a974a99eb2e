using System.Collections.Concurrent;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Runnel.Frames;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Groups;

/// <summary>This node's groups: which of its connections are in which group, and how long a group without members stays.</summary>
internal sealed class GroupRegistry(NodeContext node, GroupTopics topics, MemberTable members, InboxSender inboxes, PositionSeals seals, GroupJoining joining) : IGroups, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Group> _groups = new();
    private readonly Lock _lingerLock = new();
    private readonly Queue<(Group Group, long Since)> _lingering = new();
    private ITimer? _lingerTimer;

    /// <summary>How many groups this node holds, including those that linger.</summary>
    public int Count => _groups.Count;

    /// <summary>How many members a group has on this node.</summary>
    public int CountOf(GroupName group) => _groups.TryGetValue(group.Value, out var found) ? found.Count : 0;

    public async ValueTask<JoinOutcome> AddAsync(GroupName group, GroupMember member, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            var found = _groups.GetOrAdd(group.Value, static (_, call) => call.Topics.NewGroup(call.Name), (Topics: topics, Name: group));
            RefuseDropping(found, member);
            var joined = member.Join(found, isComer: found.CanRecover(member), () => topics.SubscribeAsync(found));
            switch (joined)
            {
                case JoinResult.GroupRetired:
                    _groups.TryRemove(new(group.Value, found)); // whoever retired it is about to do the same; there is no need to wait
                    continue;
                case JoinResult.MemberEnded:
                    AfterLeave(found); // the group may have been made just now, and must not stay without members
                    return JoinOutcome.New;
            }
            if (found.Subscription is not { } subscription)
                continue;
            try
            {
                await subscription.Value.WaitAsync(cancellationToken);
                if (member.Client is not { } client)
                    return JoinOutcome.New;
                return joined == JoinResult.WasMember ? JoinOutcome.Recovered : await joining.EnterAsync(found, member, client).AsTask().WaitAsync(cancellationToken);
            }
            catch
            {
                // The subscription itself is left alone: others may wait for it still. If it fails, it forgets itself.
                _ = subscription.Value.ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                Remove(group, member);
                throw;
            }
        }
    }

    public void Remove(GroupName group, GroupMember member)
    {
        if (_groups.TryGetValue(group.Value, out var found) && member.Leave(found))
            AfterLeave(found);
    }

    /// <summary>What a client of <c>runnel.v1</c> is told of its groups in one stream.</summary>
    public ClientPositions ClientOf(ClientHello hello, string stream, ClaimsPrincipal user, WaitingBytes waiting) =>
        new(stream, hello.OwnerOf(user), hello.Positions.Where(shown => shown.Stream == stream), seals, waiting);

    /// <summary>The address of a connection.</summary>
    public ChannelName ChannelNameOf(GroupMember member) => node.ChannelNameOf(member.Number);

    /// <summary>The connection begins: from here on it can be found by its address.</summary>
    public void Begin(GroupMember member) => members.Add(member);

    public void Release(GroupMember member)
    {
        if (member.Release() is { } failure)
            Log.HeldMessageUndeliverable(node.Logger, failure, member.Number);
        GroupJoining.Release(member);
    }

    /// <summary>The consumer has handled an event of a group with history, or has dealt with a gap.</summary>
    public void Handled(GroupMember member, GroupMessage message)
    {
        if (message.Place is not { IsGap: true } gap)
            member.Handled(message);
        else if (_groups.TryGetValue(gap.Group.Value, out var group) && group.CanRecover(member))
            group.TellPresent(member, position => member.TellJoined(group, position, JoinOutcome.Gap));
    }

    /// <summary>The connection is over: it cannot be found any more, leaves all its groups, and can join no more.</summary>
    public void End(GroupMember member)
    {
        members.Remove(member);
        foreach (var group in member.LeaveAll())
            AfterLeave(group);
    }

    public async ValueTask AddAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        if (!inboxes.IsHere(channel, out var number))
            await inboxes.SendAsync(channel, InboxSender.JoinType, Encoding.UTF8.GetBytes(group.Value), cancellationToken);
        else if (members.Find(number) is { } member)
            await AddAsync(group, member, cancellationToken);
    }

    public ValueTask RemoveAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default)
    {
        if (!inboxes.IsHere(channel, out var number))
            return inboxes.SendAsync(channel, InboxSender.LeaveType, Encoding.UTF8.GetBytes(group.Value), cancellationToken);
        if (members.Find(number) is { } member)
            Remove(group, member);
        return ValueTask.CompletedTask;
    }

    public ValueTask SendAsync(GroupName group, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return topics.PublishAsync(group, EnvelopeKind.TextFrame, GroupMessage.PlainType, Encoding.UTF8.GetBytes(text), cancellationToken);
    }

    public ValueTask SendAsync(GroupName group, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        topics.PublishAsync(group, EnvelopeKind.BinaryFrame, GroupMessage.PlainType, data, cancellationToken);

    public ValueTask SendJsonAsync<T>(GroupName group, T value, CancellationToken cancellationToken = default) =>
        topics.PublishAsync(group, EnvelopeKind.TextFrame, GroupMessage.JsonType, JsonSerializer.SerializeToUtf8Bytes(value, node.Options.Json), cancellationToken);

    public ValueTask SendEventAsync<T>(GroupName group, string type, T body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (type.StartsWith(InboxSender.OwnTypes, StringComparison.Ordinal))
            throw new ArgumentException($"'{type}' cannot be the type of an event: types that begin with '{InboxSender.OwnTypes}' are reserved for Runnel. Choose another name.", nameof(type));
        return topics.PublishAsync(group, EnvelopeKind.Message, type, JsonSerializer.SerializeToUtf8Bytes(body, node.Options.Json), cancellationToken);
    }

    public ValueTask SendGapAsync(GroupName group, CancellationToken cancellationToken = default) =>
        topics.PublishAsync(group, EnvelopeKind.Message, GroupMessage.GapType, default, cancellationToken);

    /// <summary>Ends all subscriptions: the node is going.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lingerLock)
            _lingerTimer?.Dispose();
        foreach (var group in _groups.Values)
            await topics.UnsubscribeAsync(group);
        _groups.Clear();
    }

    // Which groups a connection joins is known only when it joins them.
    private void RefuseDropping(Group group, GroupMember member)
    {
        if (group is { Pages: not null, IsOfJob: false } && member.MayDrop && node.Options.HistoryOf(group.Name) is { IsRequired: true })
            throw new InvalidOperationException($"Group '{group.Name}' keeps history, and this endpoint's outbound policy drops messages: both cannot be. Set the endpoint's Outbound.Policy to Disconnect, or let the group keep none (KeepHistory with null).");
    }

    // A member has left: if it was the last, the group lingers for a while and goes.
    private void AfterLeave(Group group)
    {
        if (group.Count > 0)
            return;
        lock (_lingerLock)
        {
            var waitsAlready = group.EmptySince != 0;
            group.EmptySince = node.TimeProvider.GetTimestamp();
            if (waitsAlready)
                return;
            _lingering.Enqueue((group, group.EmptySince));
            if (_lingering.Count == 1)
                ArmLinger(node.Options.GroupLinger);
        }
    }

    // Called with the linger lock held.
    private void ArmLinger(TimeSpan after)
    {
        _lingerTimer ??= node.TimeProvider.CreateTimer(_ => Retire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _lingerTimer.Change(after, Timeout.InfiniteTimeSpan);
    }

    private void Retire()
    {
        while (TakeLingered() is { } group)
        {
            if (!group.TryRetire())
                continue; // somebody joined meanwhile
            _groups.TryRemove(new(group.Name.Value, group));
            _ = topics.UnsubscribeAsync(group); // not awaited: a layer that is away must not keep other groups from ending
        }
    }

    private Group? TakeLingered()
    {
        lock (_lingerLock)
        {
            while (_lingering.TryPeek(out var next))
            {
                var left = node.Options.GroupLinger - node.TimeProvider.GetElapsedTime(next.Since);
                if (left > TimeSpan.Zero)
                {
                    ArmLinger(left);
                    return null;
                }
                _lingering.Dequeue();
                if (next.Group.EmptySince == next.Since)
                {
                    next.Group.EmptySince = 0;
                    return next.Group;
                }
                _lingering.Enqueue((next.Group, next.Group.EmptySince)); // it was joined and left again since
            }
            return null;
        }
    }
}
