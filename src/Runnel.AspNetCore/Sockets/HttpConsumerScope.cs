using System.Globalization;
using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Runnel.AspNetCore.Sockets;

/// <summary>The scope of a connection that began as an HTTP request: reads it where it is, so that an idle connection keeps no copy.</summary>
internal sealed class HttpConsumerScope(HttpContext context) : ConsumerScope
{
    public override string Path => context.Request.Path.Value ?? "";

    public override string QueryString => context.Request.QueryString.Value ?? "";

    public override ClaimsPrincipal User => context.User;

    public override IPAddress? RemoteAddress => context.Connection.RemoteIpAddress;

    public override IReadOnlyList<string> Subprotocols =>
        context.Request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol");

    public override IEnumerable<KeyValuePair<string, string>> RouteValues => context.Request.RouteValues.Select(static value => KeyValuePair.Create(value.Key, TextOf(value.Value)));

    public override IEnumerable<KeyValuePair<string, string>> Headers => context.Request.Headers.Select(static header => KeyValuePair.Create(header.Key, header.Value.ToString()));

    public override string? RouteValue(string name) => TextOf(context.GetRouteValue(name)) is { Length: > 0 } value ? value : null;

    public override string? Query(string name) => context.Request.Query.TryGetValue(name, out var values) ? values.FirstOrDefault() : null;

    public override string? Header(string name) => context.Request.Headers.TryGetValue(name, out var values) ? values.ToString() : null;

    private static string TextOf(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
