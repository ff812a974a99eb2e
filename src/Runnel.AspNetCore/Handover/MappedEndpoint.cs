using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Runnel.Layers;

namespace Runnel.AspNetCore.Handover;

/// <summary>A consumer at a path, whose clients can be handed out by the name of its endpoint. As metadata, it marks the endpoint.</summary>
internal abstract class MappedEndpoint
{
    private Place? _place;

    /// <summary>The consumer's name, for people.</summary>
    public abstract string Consumer { get; }

    /// <summary>What clients bring there, for people.</summary>
    public abstract string Gives { get; }

    /// <summary>The name of its endpoint.</summary>
    public string Name => Known.Name;

    /// <summary>The channel under which its clients are handed out.</summary>
    public ChannelName Channel => Prefix + Known.Name;

    /// <summary>The path's pattern.</summary>
    public string Pattern => Known.Pattern;

    /// <summary>How its channel begins.</summary>
    protected abstract string Prefix { get; }

    private Place Known => _place ?? throw new InvalidOperationException("Its endpoint was not found yet.");

    /// <summary>The consumer of an endpoint; <see langword="null"/> if it has none, or one that stays in its process.</summary>
    /// <exception cref="InvalidOperationException">The endpoint has a name that no channel can have.</exception>
    public static MappedEndpoint? Of(Endpoint? endpoint)
    {
        if (endpoint is not RouteEndpoint route || route.Metadata.GetMetadata<MappedEndpoint>() is not { } mapped)
            return null;
        mapped._place ??= new(EndpointName.Of(route), route.RoutePattern.RawText ?? "");
        return mapped;
    }

    // What conventions and groups make of it is only known once the endpoint has been built.
    private sealed record Place(string Name, string Pattern);
}
