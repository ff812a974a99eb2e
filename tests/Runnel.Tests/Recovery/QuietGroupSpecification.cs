using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Groups that nobody sends to for long, on any layer that keeps history.</summary>
public abstract class QuietGroupSpecification
{
    private static readonly Retention Kept = new(1000, TimeSpan.FromMinutes(2));

    /// <summary>The clock of the nodes, and of the layer where it has no other.</summary>
    protected ManualTimeProvider Clock { get; } = new();

    /// <summary>Opens the backplane of one more node; all of a test reach each other.</summary>
    protected abstract IBackplane Open();

    /// <summary>Lets time pass for the layer.</summary>
    protected virtual Task AdvanceAsync(TimeSpan by)
    {
        Clock.Advance(by);
        return Task.CompletedTask;
    }

    /// <summary>Lets time pass for the layer while groups have members.</summary>
    protected virtual Task AdvanceWithMembersAsync(TimeSpan by) => AdvanceAsync(by);

    [Fact]
    public async Task A_group_that_has_members_recovers_however_long_it_is_quiet()
    {
        await using var here = CreateNode(Open(), Kept);
        await using var there = CreateNode(Open(), Kept);
        await here.SendAsync(1, 1);
        var shown = await ComeAndGoAsync(here);
        using var stays = await GreetedConnection.ConnectAsync<GroupsConsumer>(there);

        await AdvanceWithMembersAsync(TimeSpan.FromHours(60));
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(here, shown);

        Assert.Equal(["recovered"], member.Outcomes());
    }

    [Fact]
    public async Task A_quiet_group_of_ten_thousand_members_recovers_after_an_hour_without_a_read()
    {
        const int Members = 10_000;
        var layer = new TornBackplane(Open());
        await using var here = CreateNode(Open(), Kept);
        await using var there = CreateNode(layer, Kept);
        await here.SendAsync(1, 1);
        var shown = new List<(string, string)>();
        for (var i = 0; i < Members; i++)
            shown.Add(await ComeAndGoAsync(here));

        await AdvanceAsync(TimeSpan.FromHours(1));
        var outcomes = new List<string>();
        foreach (var position in shown)
        {
            using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(there, position);
            outcomes.AddRange(member.Outcomes());
        }

        Assert.Equal(Enumerable.Repeat("recovered", Members), outcomes);
        Assert.Equal(0, layer.Reads);
    }

    [Theory]
    [InlineData(23, 24, "recovered")]
    [InlineData(25, 24, "gap")]
    [InlineData(25, 7 * 24, "recovered")]
    public async Task A_group_recovers_for_as_long_as_its_position_is_remembered_and_after_that_the_client_is_told(int quiet, int remembered, string outcome)
    {
        var retention = Kept with { PositionAge = TimeSpan.FromHours(remembered) };
        await using var here = CreateNode(Open(), retention);
        await using var there = CreateNode(Open(), retention);
        await here.SendAsync(1, 1);
        var shown = await ComeAndGoAsync(here);

        await AdvanceAsync(TimeSpan.FromHours(quiet));
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(there, shown);

        Assert.Equal([outcome], member.Outcomes());
    }

    private FakeNode CreateNode(IBackplane backplane, Retention retention) =>
        FakeConnection.CreateNode(backplane, Clock, configure: options => options.KeepHistory("articles*", retention));

    private static async Task<(string Position, string Seal)> ComeAndGoAsync(FakeNode node)
    {
        using var member = await GreetedConnection.ConnectAsync<GroupsConsumer>(node);
        await member.CutAsync();
        return member.Shown();
    }
}
