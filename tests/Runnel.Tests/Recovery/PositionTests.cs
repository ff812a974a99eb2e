using System.Security.Claims;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Which positions are worth something.</summary>
public sealed class PositionTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly FakeNode _node;
    private FakeConnection _first = null!;

    public PositionTests() => _node = GreetedConnection.CreateNode(new InMemoryBackplane(_clock), _clock);

    public async ValueTask InitializeAsync()
    {
        await _node.SendAsync(1, 3);
        _first = await GreetedConnection.ConnectAsync<GroupsConsumer>(_node);
        await _node.SendAsync(4, 4);
        await _first.GotAsync(1);
        await _first.CutAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _first.Dispose();
        await _node.DisposeAsync();
    }

    [Fact]
    public Task A_position_that_was_given_recovers() => OutcomeAsync("recovered", _first.Shown());

    [Fact]
    public Task A_forged_seal_opens_nothing() => OutcomeAsync("new", (_first.Shown().Position, Forge(_first.Shown().Seal)));

    [Theory]
    [InlineData("")]
    [InlineData("no seal at all")]
    [InlineData("AAAA")]
    public Task What_is_no_seal_opens_nothing(string seal) => OutcomeAsync("new", (_first.Shown().Position, seal));

    [Fact]
    public Task A_position_before_the_membership_began_opens_nothing()
    {
        var (position, seal) = _first.Shown();
        var earlier = position[..(position.LastIndexOf(':') + 1)] + "1";

        return OutcomeAsync("new", (earlier, seal));
    }

    [Fact]
    public Task A_position_of_another_group_opens_nothing()
    {
        var (position, seal) = _first.Shown();

        return OutcomeAsync("new", ("AAAAAAAA" + position[position.IndexOf('.')..], seal));
    }

    [Fact]
    public Task A_position_ahead_of_the_history_is_a_gap()
    {
        var (position, seal) = _first.Shown();
        var later = position[..(position.LastIndexOf(':') + 1)] + "1000";

        return OutcomeAsync("gap", (later, seal));
    }

    [Fact]
    public Task A_position_of_another_epoch_is_a_gap()
    {
        var (position, seal) = _first.Shown();
        var other = position[..(position.IndexOf('.') + 1)] + "5f2c:4";

        return OutcomeAsync("gap", (other, seal));
    }

    [Fact]
    public Task What_is_no_position_opens_nothing() => OutcomeAsync("new", ("nothing", _first.Shown().Seal));

    [Fact]
    public Task Another_client_that_is_not_signed_in_opens_nothing() => OutcomeAsync("new", _first.Shown(), "another-client");

    [Fact]
    public async Task An_expired_position_opens_nothing()
    {
        _clock.Advance(TimeSpan.FromHours(23));
        await _node.SendAsync(5, 5); // so that the group's position lives on

        _clock.Advance(_node.Context.Options.PositionLifetime - TimeSpan.FromHours(22));

        await OutcomeAsync("new", _first.Shown());
    }

    [Fact]
    public void A_position_belongs_to_the_user_and_without_one_to_the_client()
    {
        ClientHello.TryRead("""{"hello": {"version": 1, "client": "1f6b0c9e"}}"""u8, out var one);
        ClientHello.TryRead("""{"hello": {"version": 1, "client": "another-client"}}"""u8, out var other);
        var (ada, bob, nobody) = (User("ada"), User("bob"), new ClaimsPrincipal(new ClaimsIdentity()));

        Assert.Equal(one!.OwnerOf(ada), other!.OwnerOf(ada));
        Assert.NotEqual(one.OwnerOf(ada), one.OwnerOf(bob));
        Assert.NotEqual(one.OwnerOf(nobody), other.OwnerOf(nobody));
        Assert.NotEqual(one.OwnerOf(User("1f6b0c9e")), one.OwnerOf(nobody));

        static ClaimsPrincipal User(string id) => new(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, id)], "test"));
    }

    private async Task OutcomeAsync(string outcome, (string Position, string Seal) shown, string client = GreetedConnection.Client)
    {
        using var second = await GreetedConnection.ConnectAsync<GroupsConsumer>(_node, shown, client);

        Assert.Equal([outcome], second.Outcomes());
        Assert.Equal(outcome == "new" ? [shown.Position] : [], second.Of("lost").Single().EnumerateArray().Select(position => position.GetString()));
        Assert.Equal(outcome == "gap" ? ["snapshot of articles"] : [], second.Payloads());
    }

    private static string Forge(string seal) => seal[..^2] + (seal[^2] == 'A' ? 'B' : 'A') + seal[^1];
}
