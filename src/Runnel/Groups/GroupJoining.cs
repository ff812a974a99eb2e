using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>What becomes of a client's position when its connection joins a group.</summary>
internal sealed class GroupJoining(NodeContext node)
{
    /// <summary>Lets a member in whose client speaks <c>runnel.v1</c>, at once or when it has caught up.</summary>
    /// <param name="group">The group, which is subscribed to.</param>
    /// <param name="member">The member: a comer, if the group keeps history.</param>
    /// <param name="client">Its client.</param>
    public async ValueTask<JoinOutcome> EnterAsync(Group group, GroupMember member, ClientPositions client)
    {
        var outcome = await FindOutcomeAsync(group, member, client);
        ConnectionMetrics.GroupJoined(outcome);
        return outcome;
    }

    /// <summary>The consumer has connected: whoever has to catch up begins.</summary>
    public static void Release(GroupMember member)
    {
        foreach (var comer in member.Client?.TakeComers() ?? [])
            _ = comer();
    }

    private async ValueTask<JoinOutcome> FindOutcomeAsync(Group group, GroupMember member, ClientPositions client)
    {
        if (group.Pages is not { } pages || !group.CanRecover(member))
        {
            member.TellJoined(group, position: null, JoinOutcome.New);
            return JoinOutcome.New;
        }
        if (client.Claim(group.Name) is not { } claim)
            return Enter(group, member, JoinOutcome.New);
        var gaps = group.Present.Gaps;
        if (await (group.IsOfJob ? FindLatestAsync(group, pages, claim) : FindAsync(group, pages, claim)) is not { } from)
            return Enter(group, member, JoinOutcome.Gap);
        member.TellJoined(group, from, JoinOutcome.Recovered);
        var comer = new CatchUp(node, group, member, client, from, gaps);
        if (group.TryEnter(member, from, gaps) is EnterResult.Entered or EnterResult.Gone)
            return JoinOutcome.Recovered; // the quiet group: nothing was missed
        if (client.BeginsNow(comer.RunAsync))
            _ = comer.RunAsync();
        return JoinOutcome.Recovered;
    }

    private static JoinOutcome Enter(Group group, GroupMember member, JoinOutcome outcome)
    {
        group.TryEnter(member, position => member.TellJoined(group, position, outcome));
        return outcome;
    }

    /// <summary>The claimed place in the present epoch; <see langword="null"/> if the history does not reach to it.</summary>
    private static async ValueTask<Position?> FindAsync(Group group, GroupPages pages, Position claim)
    {
        while (true)
        {
            var present = group.Present.Position;
            if (claim.Epoch != present.Epoch || claim.Offset > present.Offset)
                return await pages.CheckAsync(claim);
            var next = claim with { Offset = claim.Offset + 1 };
            if (claim == present || pages.Find(next) is not null || await pages.ReadAsync(next) is not null)
                return claim;
            if (!await group.TryRenewAsync(present))
                return null;
        }
    }

    /// <summary>The place before the latest state of a job, or behind it if the client has that one; <see langword="null"/> if no state is kept any more.</summary>
    private static async ValueTask<Position?> FindLatestAsync(Group group, GroupPages pages, Position claim)
    {
        for (var present = group.Present.Position; present != Position.None;)
        {
            if (claim == present)
                return claim;
            if (await pages.ReadAsync(present) is not null)
                return present with { Offset = present.Offset - 1 };
            await group.TryRenewAsync(present);
            var later = group.Present.Position;
            if (later == present)
                break;
            present = later; // the next state has taken its place, or the history goes on in another epoch
        }
        return null;
    }
}
