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
            var next = group.Pages!.Find(_at.Offset + 1);
            if (next is null)
            {
                member.FlushReplay();
                switch (group.TryEnter(member, _at, gaps))
                {
                    case EnterResult.Entered or EnterResult.Gone:
                        return;
                    case EnterResult.Behind:
                        next = await group.Pages.ReadAsync(group.Present.Position.Epoch, _at.Offset + 1);
                        break;
                }
                if (next is null)
                {
                    EnterAfterGap();
                    return;
                }
            }
            if (next.IsGap)
            {
                MeetGap();
                return;
            }
            if (!next.IsBegin)
                await member.ReplayAsync(next, client);
            _at = next.Place!.Position;
        }
    }

    // A sender said that messages are missing here. If this node has not heard that yet, it will, and so will the member.
    private void MeetGap()
    {
        member.FlushReplay();
        if (group.TryEnter(member, _at, gaps) is EnterResult.Behind or EnterResult.Broken)
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
