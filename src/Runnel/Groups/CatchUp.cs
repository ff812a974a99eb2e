using Runnel.Frames;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Groups;

/// <summary>One member on its way from the position that its client has to the present of a group (ADR 9).</summary>
/// <param name="node">The node.</param>
/// <param name="group">The group, with history.</param>
/// <param name="member">The member: a comer of the group.</param>
/// <param name="client">Its client.</param>
/// <param name="from">The last position that the client has.</param>
/// <param name="gaps">How many gaps there were when it was clear that the position is good.</param>
internal sealed class CatchUp(NodeContext node, Group group, GroupMember member, ClientPositions client, Position from, int gaps)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(5);

    private Position _at = from;

    /// <summary>Replays what was missed and lets the member in when it is level. Tried until it works, or the member has left.</summary>
    public async Task RunAsync()
    {
        for (var rest = FirstRest; ;)
        {
            try
            {
                await StepsAsync();
                return;
            }
            catch (ObjectDisposedException)
            {
                return; // the layer ends
            }
            catch (Exception exception)
            {
                Log.CatchUpFailed(node.Logger, exception, group.Name, rest);
                await Task.Delay(rest, node.TimeProvider);
                rest = rest * 2 < LongestRest ? rest * 2 : LongestRest;
            }
        }
    }

    private async Task StepsAsync()
    {
        while (group.IsComing(member))
        {
            if (group.Pages!.Find(Next) is { } next)
            {
                await ReplayAsync(next);
                continue;
            }
            member.FlushReplay();
            var present = group.Present.Position;
            switch (group.TryEnter(member, _at, gaps))
            {
                case EnterResult.Entered or EnterResult.Gone:
                    return;
                case EnterResult.Behind when await TryReadAsync() || await group.TryRenewAsync(present):
                case EnterResult.Apart when await TryMeetAsync(present):
                    break;
                default:
                    EnterAfterGap();
                    return;
            }
        }
    }

    private Position Next => _at with { Offset = _at.Offset + 1 };

    private async ValueTask ReplayAsync(GroupMessage next)
    {
        if (next.IsGap)
        {
            MeetGap();
            return;
        }
        if (!next.IsBegin)
            await member.ReplayAsync(next, client);
        _at = next.Place!.Position;
    }

    private async ValueTask<bool> TryReadAsync()
    {
        if (await group.Pages!.ReadAsync(Next) is not { } next)
            return false;
        await ReplayAsync(next);
        return true;
    }

    // The group and the client are in different epochs. Offsets say nothing then: the history says what is missing, and to whom.
    private async ValueTask<bool> TryMeetAsync(Position present)
    {
        if (await group.Pages!.CheckAsync(_at) is not { } at)
            return false;
        if (at != _at)
        {
            _at = at;
            return true;
        }
        // It is the group that is behind. If messages are missing on its way here, this client does not lack them: it is ahead of them.
        return await group.TryRenewAsync(present) || await TryReadAsync() || group.TryEnter(member, _at, gaps, earlier: present.Epoch) is not EnterResult.Broken;
    }

    // A sender said that messages are missing here. If this node has not heard that yet, it will, and so will the member.
    private void MeetGap()
    {
        member.FlushReplay();
        if (group.TryEnter(member, _at, gaps) is not (EnterResult.Entered or EnterResult.Gone))
            EnterAfterGap();
    }

    // Messages are missing between where the client is and the present.
    private void EnterAfterGap()
    {
        ConnectionMetrics.GroupHadGap(isCertain: true);
        Log.MemberMissedMessages(node.Logger, member.Number, group.Name);
        group.TryEnter(member, position =>
        {
            if (member.Deliver(GroupMessage.OfGap(new GroupPlace(group.Name, group.Tag, position, IsGap: true))) is { } queue)
                DrainBatch.Add(null, queue).Schedule();
        });
    }
}
