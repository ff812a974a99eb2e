using System.Net;
using System.Security.Claims;

namespace Runnel.Tests.Connections;

/// <summary>Of a client nothing is known.</summary>
internal sealed class NoScope : ConsumerScope
{
    public override string Path => "/";

    public override string QueryString => "";

    public override ClaimsPrincipal User { get; } = new();

    public override IPAddress? RemoteAddress => null;

    public override IReadOnlyList<string> Subprotocols => [];

    public override IEnumerable<KeyValuePair<string, string>> RouteValues => [];

    public override IEnumerable<KeyValuePair<string, string>> Headers => [];

    public override string? RouteValue(string name) => null;

    public override string? Query(string name) => null;

    public override string? Header(string name) => null;
}
