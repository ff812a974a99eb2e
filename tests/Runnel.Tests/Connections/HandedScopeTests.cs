using System.Net;
using System.Security.Claims;
using Runnel.Handover;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a consumer in a worker sees of its client: what it would see beside the socket.</summary>
public sealed class HandedScopeTests
{
    [Fact]
    public void It_says_what_the_scope_at_the_gateway_says()
    {
        var at = new Scope(
            "/ws/blue room/é",
            "?q=a%26b&q=c&d+e=f+g&empty=&bare&%C3%A9=%F0%9F%98%80",
            address: IPAddress.Parse("2001:db8::7"),
            subprotocols: ["v2", "v1"],
            route: [new("room", "blue room"), new("none", "")],
            headers: [new("X-Tenant", "t1"), new("Accept-Language", "de,en"), new("X-Empty", "")]);

        var handed = new HandedScope(HandedScope.Encode(at, []));

        Assert.Equal((at.Path, at.QueryString, at.RemoteAddress), (handed.Path, handed.QueryString, handed.RemoteAddress));
        Assert.Equal(at.Subprotocols, handed.Subprotocols);
        Assert.Equal(at.RouteValues, handed.RouteValues);
        Assert.Equal(at.Headers, handed.Headers);
        Assert.Equal(("blue room", null, null), (handed.RouteValue("ROOM"), handed.RouteValue("none"), handed.RouteValue("other")));
        Assert.Equal(("t1", "de,en", "", null), (handed.Header("x-tenant"), handed.Header("Accept-Language"), handed.Header("X-Empty"), handed.Header("X")));
        Assert.Equal(["a&b", "f g", "", "", "😀", null], new[] { "Q", "d e", "empty", "bare", "é", "other" }.Select(handed.Query));
        Assert.False(handed.User.Identity!.IsAuthenticated);
    }

    [Fact]
    public void The_user_goes_along_with_all_identities_and_claims()
    {
        var user = new ClaimsPrincipal(
        [
            new ClaimsIdentity([new Claim(ClaimTypes.Name, "ann"), new Claim("level", "7", ClaimValueTypes.Integer, "the shop")], "cookie"),
            new ClaimsIdentity([new Claim("role", "admin")], "token", "name", "role"),
        ]);

        var handed = new HandedScope(HandedScope.Encode(new Scope(user: user), [])).User;

        Assert.True(handed.Identity is { IsAuthenticated: true, Name: "ann" });
        Assert.True(handed.IsInRole("admin"));
        Assert.Equal(
            user.Claims.Select(claim => (claim.Type, claim.Value, claim.ValueType, claim.Issuer)),
            handed.Claims.Select(claim => (claim.Type, claim.Value, claim.ValueType, claim.Issuer)));
        Assert.Equal(user.Identities.Select(identity => identity.AuthenticationType), handed.Identities.Select(identity => identity.AuthenticationType));
    }

    [Fact]
    public void What_lets_a_client_in_stays_at_the_gateway_unless_it_is_named()
    {
        var at = new Scope(headers: [new("cookie", "session=1"), new("Authorization", "Bearer x"), new("Proxy-Authorization", "Basic y"), new("X-Tenant", "t1")]);

        var kept = new HandedScope(HandedScope.Encode(at, []));
        var forwarded = new HandedScope(HandedScope.Encode(at, ["authorization", "X-Tenant"]));

        Assert.Equal(["X-Tenant"], kept.Headers.Select(header => header.Key));
        Assert.Equal(["Authorization", "X-Tenant"], forwarded.Headers.Select(header => header.Key));
    }

    [Fact]
    public void An_empty_scope_is_a_few_bytes_and_what_is_cut_short_is_refused()
    {
        var empty = HandedScope.Encode(new Scope(), []);
        var whole = HandedScope.Encode(new Scope(headers: [new("X-Tenant", "t1")]), []);

        Assert.Equal(7, empty.Length);
        Assert.Equal((null, null, 0), (new HandedScope(empty).RemoteAddress, new HandedScope(empty).Header("X"), new HandedScope(empty).Subprotocols.Count));
        Assert.Throws<FormatException>(() => new HandedScope(ReadOnlyMemory<byte>.Empty));
        Assert.Throws<FormatException>(() => new HandedScope((byte[])[2, .. empty.AsSpan(1)]));
        for (var length = 1; length < whole.Length; length++)
            Assert.Throws<FormatException>(() => new HandedScope(whole.AsMemory(0, length)).Header("X-Tenant"));
    }

    private sealed class Scope(
        string path = "", string query = "", ClaimsPrincipal? user = null, IPAddress? address = null, string[]? subprotocols = null,
        KeyValuePair<string, string>[]? route = null, KeyValuePair<string, string>[]? headers = null) : ConsumerScope
    {
        public override string Path => path;

        public override string QueryString => query;

        public override ClaimsPrincipal User { get; } = user ?? new(new ClaimsIdentity());

        public override IPAddress? RemoteAddress => address;

        public override IReadOnlyList<string> Subprotocols { get; } = subprotocols ?? [];

        public override IEnumerable<KeyValuePair<string, string>> RouteValues { get; } = route ?? [];

        public override IEnumerable<KeyValuePair<string, string>> Headers { get; } = headers ?? [];

        public override string? RouteValue(string name) => throw new NotSupportedException();

        public override string? Query(string name) => throw new NotSupportedException();

        public override string? Header(string name) => throw new NotSupportedException();
    }
}
