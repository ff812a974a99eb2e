using System.Net;
using System.Security.Claims;

namespace Runnel;

/// <summary>What a connection knows of its client: what was asked for, by whom, from where. Valid until <c>OnDisconnectAsync</c> has returned.</summary>
public abstract class ConsumerScope
{
    /// <summary>The path asked for, decoded: <c>/ws/articles</c>.</summary>
    public abstract string Path { get; }

    /// <summary>The query string as it was sent, with its <c>?</c>; empty when there is none.</summary>
    public abstract string QueryString { get; }

    /// <summary>The user that ASP.NET Core's authentication made out; anonymous when none.</summary>
    public abstract ClaimsPrincipal User { get; }

    /// <summary>The client's address; <see langword="null"/> when the carrier knows none.</summary>
    public abstract IPAddress? RemoteAddress { get; }

    /// <summary>The subprotocols that the client offers, in its order of preference.</summary>
    public abstract IReadOnlyList<string> Subprotocols { get; }

    /// <summary>A value of the route (<c>{room}</c> in the pattern), as text; <see langword="null"/> when the route has none of that name.</summary>
    public abstract string? RouteValue(string name);

    /// <summary>The first value of a query parameter, decoded; <see langword="null"/> when it was not sent.</summary>
    public abstract string? Query(string name);

    /// <summary>The value of a request header, several joined by commas; <see langword="null"/> when it was not sent.</summary>
    public abstract string? Header(string name);
}
