using System.Text;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Runnel.Layers;

namespace Runnel.AspNetCore.Handover;

/// <summary>The name of a consumer's endpoint.</summary>
internal static class EndpointName
{
    /// <summary>How the channels begin under which gateways hand out connections; the longest of all such beginnings.</summary>
    public const string OfConnections = "websocket.connect.";

    private const string OfTheRoot = "root";

    /// <summary>The name of an endpoint: the one given by <c>WithName</c>, or else made from its pattern, <c>ws.rooms.room</c> from <c>/ws/rooms/{room}</c>.</summary>
    /// <exception cref="InvalidOperationException">No channel can have this name.</exception>
    public static string Of(RouteEndpoint endpoint)
    {
        var name = endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName ?? MadeFrom(endpoint.RoutePattern);
        return name.Length > 0 && GroupName.IsValid(OfConnections + name) // the characters of both are the same, without the '!' of processes
            ? name
            : throw new InvalidOperationException(
                $"The consumer at '{endpoint.RoutePattern.RawText}' cannot have the name '{name}', because workers choose it by its name: use 1 to {ChannelName.MaxLength - OfConnections.Length} "
                + "characters out of A–Z, a–z, 0–9, '-', '_' and '.'. Give it such a name with WithName.");
    }

    private static string MadeFrom(RoutePattern pattern)
    {
        var name = new StringBuilder();
        foreach (var part in pattern.PathSegments.SelectMany(static segment => segment.Parts).Select(TextOf).Where(static text => text.Length > 0))
            name.Append(name.Length == 0 ? "" : ".").Append(part);
        return name.Length == 0 ? OfTheRoot : name.ToString();
    }

    private static string TextOf(RoutePatternPart part) => Fitting(part switch
    {
        RoutePatternLiteralPart literal => literal.Content.Trim('.'),
        RoutePatternParameterPart parameter => parameter.Name,
        _ => "", // a separator
    });

    private static string Fitting(string text) => string.Concat(text.Select(static character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' ? character : '-'));
}
