using System.Net;
using System.Security.Claims;

namespace Runnel;

/// <summary>What is known about the client of a connection: what it asked for, who and where it is. Valid until <c>OnDisconnectAsync</c> has returned.</summary>
public abstract class ConsumerScope
{
    /// <summary>The path that the client asked for, decoded: <c>/ws/articles</c>.</summary>
    public abstract string Path { get; }

    /// <summary>The query string as the client sent it, with its <c>?</c>; empty if the client sent no query.</summary>
    public abstract string QueryString { get; }

    /// <summary>The user whom ASP.NET Core authenticated, or an anonymous one.</summary>
    public abstract ClaimsPrincipal User { get; }

    /// <summary>The client's address; <see langword="null"/> if it is not known.</summary>
    public abstract IPAddress? RemoteAddress { get; }

    /// <summary>The subprotocols that the client offers, in its order of preference.</summary>
    public abstract IReadOnlyList<string> Subprotocols { get; }

    /// <summary>The values of the route, as text.</summary>
    public abstract IEnumerable<KeyValuePair<string, string>> RouteValues { get; }

    /// <summary>The headers of the request, with commas between several values of one. A worker does not get those that let the client in (<see cref="HandoverOptions.ForwardHeaders"/>).</summary>
    public abstract IEnumerable<KeyValuePair<string, string>> Headers { get; }

    /// <summary>A value of the route (<c>{room}</c> in the pattern), as text; <see langword="null"/> if the route has no value of that name.</summary>
    public abstract string? RouteValue(string name);

    /// <summary>The first value of a query parameter, decoded; <see langword="null"/> if the client did not send it.</summary>
    public abstract string? Query(string name);

    /// <summary>The value of a request header, with commas between several values; <see langword="null"/> if the client did not send it.</summary>
    public abstract string? Header(string name);
}
