using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Positions that are forged, of somebody else, or expired, over real sockets: they are lost, and nothing that was sent comes with them.</summary>
public sealed class WorthlessPositionTests
{
    private readonly ManualTimeProvider _clock = new();

    [Theory]
    [InlineData("as it was given", "recovered", 2)]
    [InlineData("with a forged seal", "new", 3)]
    [InlineData("of a place before the membership", "new", 3)]
    [InlineData("by another user", "new", 3)]
    [InlineData("by nobody", "new", 3)]
    [InlineData("in another stream", "new", 3)]
    [InlineData("in a socket of its own", "new", 3)]
    [InlineData("for another group", "new", 3)]
    [InlineData("when it has expired", "new", 3)]
    public async Task A_position_opens_nothing_unless_it_is_shown_as_it_was_given(string how, string outcome, int next)
    {
        await using var app = await StartAsync();
        await app.Groups.SendJsonAsync("articles", -1);
        await app.Groups.SendJsonAsync("articles", 0);
        var ada = new GreetedClient();
        await ada.ConnectAsync(app, "/shared?user=ada");
        await ada.ReceiveJoinedAsync("first");
        await app.Groups.SendJsonAsync("articles", 1);
        await ada.ReceivePayloadAsync();
        ada.Cut();
        await app.Groups.SendJsonAsync("articles", 2);
        var (position, seal) = ada.Positions.First();
        var stream = how switch { "in another stream" => "second", "in a socket of its own" => "", _ => "first" };
        if (how == "with a forged seal")
            seal = seal[..^2] + (seal[^2] == 'A' ? 'B' : 'A') + seal[^1];
        else if (how == "of a place before the membership")
            position = position[..(position.LastIndexOf(':') + 1)] + "1";
        else if (how == "when it has expired")
            _clock.Advance(TimeSpan.FromMinutes(2));

        var other = new GreetedClient();
        other.Show(position, seal, stream);
        var groups = how == "for another group" ? "&groups=others" : "";
        await other.ConnectAsync(app, $"{(stream.Length > 0 ? "/shared" : "/own")}?user={how switch { "by another user" => "bob", "by nobody" => "", _ => "ada" }}{groups}");
        Assert.Equal([outcome], await other.ReceiveJoinedAsync(stream));
        await app.Groups.SendJsonAsync(groups.Length > 0 ? "others" : "articles", 3);

        Assert.Equal(outcome == "new" ? [position] : [], other.Joined[stream].GetProperty("lost").EnumerateArray().Select(lost => lost.GetString()));
        Assert.Equal(next, (await other.ReceivePayloadAsync()).GetInt32());
    }

    private Task<RunnelApp> StartAsync() => RunnelApp.StartAsync(
        app =>
        {
            app.Use((context, next) =>
            {
                if (context.Request.Query["user"] is [{ Length: > 0 } user])
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "query"));
                return next(context);
            });
            app.MapConsumer<GroupsConsumer>("/own");
            app.MapDemultiplexer("/shared", streams => streams.Stream<GroupsConsumer>("first").Stream<GroupsConsumer>("second"));
        },
        builder => builder.With(_clock).With(new InMemoryBackplane(_clock)).With((RunnelOptions options) =>
        {
            options.PositionLifetime = TimeSpan.FromMinutes(1);
            options.KeepHistory("*", new Retention(1000, TimeSpan.FromMinutes(10)));
        }));
}
