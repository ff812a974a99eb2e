using Runnel.Frames;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Groups;

/// <summary>The topics of groups: what goes to the backplane, and what comes from it for the members of this node's groups.</summary>
internal sealed class GroupTopics(NodeContext node, IBackplane backplane, PositionSeals seals)
{
    /// <summary>Makes a group, with history if it is to keep some.</summary>
    public Group NewGroup(GroupName name)
    {
        var topic = Topic.OfGroup(name);
        var isOfJob = topic.Kind != TopicKind.Group;
        if (isOfJob ? !seals.HasKey : RetentionOf(name) is null)
            return new Group(name, pages: null, isOfJob);
        Group? group = null;
        return group = new Group(name, new GroupPages(topic, backplane, node.TimeProvider, message => Decode(group!, message)), isOfJob);
    }

    /// <summary>Sends a message to a group.</summary>
    public async ValueTask PublishAsync(GroupName group, EnvelopeKind kind, string type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var topic = Topic.OfGroup(group);
        if (topic.Kind != TopicKind.Group)
            throw new ArgumentException($"'{group}' is the group of a job, and only Runnel sends to it. Choose another group for messages of your own.", nameof(group));
        var bytes = EnvelopeFormat.Encode(new Envelope(new Message(type, body), kind));
        if (bytes.Length > node.Options.MaxGroupMessageBytes)
            throw new MessageTooLargeException($"group '{group}'", bytes.Length, node.Options.MaxGroupMessageBytes);
        await backplane.PublishAsync(topic, bytes, RetentionOf(group), cancellationToken);
    }

    /// <summary>Hears what is sent to a group, for its members here.</summary>
    public async Task<IAsyncDisposable> SubscribeAsync(Group group)
    {
        try
        {
            if (group.Pages is null)
                return await backplane.SubscribeAsync(Topic.OfGroup(group.Name), message => OnMessage(group, message), gap => OnGap(group, gap));
            await seals.PrepareAsync(CancellationToken.None);
            group.Tag = seals.TagOf(group.Name);
            return await SubscribeWithPositionAsync(group);
        }
        catch
        {
            group.ForgetSubscription(); // the next member tries again
            throw;
        }
    }

    /// <summary>Hears nothing of a group any more.</summary>
    public async Task UnsubscribeAsync(Group group)
    {
        // Also one that nobody has awaited yet: whoever is about to would else begin it after its end.
        if (group.Subscription is not { } subscription)
            return;
        try
        {
            await using (await subscription.Value)
            {
                // Ends it.
            }
        }
        catch (Exception exception)
        {
            Log.UnsubscribeFailed(node.Logger, exception, group.Name);
        }
    }

    private Retention? RetentionOf(GroupName group) =>
        node.Options.Histories.Count > 0 && node.Options.HistoryOf(group) is { Retention: { } retention } rule && (rule.IsRequired || KeepsHistory) ? retention : null;

    private bool KeepsHistory => backplane.Features.HasFlag(BackplaneFeatures.History);

    // A group with history always has a position: else a client that never got a message could not say where it stands. Only a job has none before its first state, and after its last one is forgotten.
    private async Task<IAsyncDisposable> SubscribeWithPositionAsync(Group group)
    {
        var topic = Topic.OfGroup(group.Name);
        var subscription = await backplane.SubscribeAsync(topic, message => OnMessage(group, message), gap => OnGap(group, gap));
        try
        {
            var begins = subscription.Begins;
            if (begins == Position.None && !group.IsOfJob)
                begins = await backplane.PublishAsync(topic, EnvelopeFormat.Encode(new Envelope(new Message(GroupMessage.BeginType, default))), RetentionOf(group.Name));
            group.Begin(begins);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    private void OnMessage(Group group, BackplaneMessage received)
    {
        var message = Decode(group, received);
        if (message.IsBegin)
        {
            group.Deliver(message);
            return;
        }
        if (message.IsGap)
        {
            ConnectionMetrics.GroupGapWasReported();
            Log.GroupGapReported(node.Logger, group.Name);
        }
        else
        {
            if (group is { Pages: not null, IsOfJob: false } && message.Place is null)
                TellOfUnkept(group);
            ConnectionMetrics.GroupMessageFannedOut();
        }
        if (group.Deliver(message) is { } failure)
        {
            Log.MessageUndeliverable(node.Logger, failure, group.Name);
            LayerTelemetry.MessagesDropped("unreadable");
        }
    }

    private GroupMessage Decode(Group group, BackplaneMessage received)
    {
        var place = group.Pages is not null && received.Position != Position.None ? new GroupPlace(group.Name, group.Tag, received.Position) : null;
        try
        {
            var envelope = EnvelopeFormat.Decode(received.Payload);
            if (envelope is { Kind: EnvelopeKind.Message, Message.Type: GroupMessage.GapType })
                return GroupMessage.OfGap(new GroupPlace(group.Name, group.Tag, received.Position, IsGap: true, IsReported: true));
            return new GroupMessage(envelope, place);
        }
        catch (FormatException exception)
        {
            Log.MessageUnreadable(node.Logger, exception, group.Name);
            LayerTelemetry.MessagesDropped("unreadable");
            return GroupMessage.OfPlace(place ?? new GroupPlace(group.Name, group.Tag, Position.None));
        }
    }

    // Another node says that the group keeps none.
    private void TellOfUnkept(Group group)
    {
        ConnectionMetrics.GroupMessageWasNotKept();
        if (group.HasToldOfUnkept)
            return;
        group.HasToldOfUnkept = true;
        Log.MessageWithoutPosition(node.Logger, group.Name);
    }

    private void OnGap(Group group, TopicGap gap)
    {
        // In its place: whoever is a member hears of it before any later message.
        group.Deliver(GroupMessage.OfGap(new GroupPlace(group.Name, group.Tag, gap.Resumes, IsGap: true)));
        ConnectionMetrics.GroupHadGap(gap.IsCertain);
        if (gap.IsCertain)
            Log.GroupMissedMessages(node.Logger, group.Name);
        else
            Log.GroupMayHaveMissedMessages(node.Logger, group.Name);
    }
}
