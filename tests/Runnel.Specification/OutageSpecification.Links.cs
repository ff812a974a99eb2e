using Xunit;

namespace Runnel.Specification;

/// <summary>What nodes send each other over their links outlives every interruption.</summary>
public abstract partial class OutageSpecification
{
    [Fact]
    public async Task What_one_node_sends_another_arrives_once_and_in_order_also_through_interruptions()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var talk = await NodeTalk.BeginAsync(one.Backplane, two.Backplane);
        await talk.SayAsync(200);
        await talk.HearAsync(100);

        await two.WhileCutAsync(() => talk.SayAsync(200));
        for (var i = 0; i < 3; i++)
        {
            await talk.SayAsync(200);
            await BreakConnectionsAsync();
        }
        await talk.SayAsync(200);
        await talk.HearAsync(800);
        await KillBrokerAsync();
        await talk.SayAsync(200);
        await RestartBrokerAsync();
        await talk.SayAsync(200);

        await talk.AssertAllArrivedOnceInOrderAsync();
    }
}
