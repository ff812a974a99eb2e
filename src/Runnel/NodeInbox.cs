using System.Text;
using Microsoft.Extensions.Hosting;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Links;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Opens the layer, and takes what other nodes send to this one and to its connections.</summary>
internal sealed class NodeInbox(
    RunnelNode node,
    NodeContext context,
    GroupRegistry groups,
    MemberTable members,
    InboxSender inboxes,
    NodeLinks links,
    ConfiguredLayer layer,
    IBackplane backplane) : IHostedLifecycleService
{
    private IAsyncDisposable? _subscription;

    // Before the server listens, so that no connection's address is given out that cannot be reached yet.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await layer.OpenAsync(cancellationToken);
        _subscription = await backplane.SubscribeAsync(Topic.OfNode(node.Id), OnMessage, _ => OnGap(), cancellationToken);
        links.Open();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_subscription is not null)
            await _subscription.DisposeAsync().AsTask().WaitAsync(cancellationToken);
    }

    private void OnMessage(BackplaneMessage received)
    {
        try
        {
            if (links.TryTake(received.Payload))
                return;
            var envelope = EnvelopeFormat.Decode(received.Payload);
            if (envelope.Channel is { } channel && inboxes.IsHere(channel, out var number) && members.Find(number) is { } member)
                Handle(member, envelope);
            else
                LayerTelemetry.MessagesDropped("connection-gone");
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            Log.InboxMessageUnreadable(context.Logger, exception);
            LayerTelemetry.MessagesDropped("unreadable");
        }
    }

    // What other nodes sent on links is sent again; of the rest nobody knows what there was.
    private void OnGap()
    {
        Log.InboxMayHaveMissedMessages(context.Logger);
        ConnectionMetrics.InboxHadGap();
        links.OnGap();
    }

    private void Handle(GroupMember member, Envelope envelope)
    {
        switch (envelope.Message.Type)
        {
            case InboxSender.JoinType:
                _ = JoinAsync(member, Encoding.UTF8.GetString(envelope.Message.Body.Span));
                break;
            case InboxSender.LeaveType:
                groups.Remove(Encoding.UTF8.GetString(envelope.Message.Body.Span), member);
                break;
            default:
                member.PostEvent(new GroupMessage(envelope));
                break;
        }
    }

    private async Task JoinAsync(GroupMember member, GroupName group)
    {
        try
        {
            await groups.AddAsync(group, member, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.RemoteJoinFailed(context.Logger, exception, group);
        }
    }
}
