using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore.Handover;

/// <summary>The consumers that the application maps. They are found among its endpoints, even if no server runs.</summary>
/// <param name="selection">What this process takes.</param>
/// <param name="handover">Whether this process leaves consumers to workers.</param>
/// <param name="routed">The endpoints of the server, once it has started; none in an application without routing.</param>
internal sealed class MappedConsumers(WorkerSelection selection, IOptions<HandoverOptions> handover, EndpointDataSource? routed = null) : IConsumerEndpoints
{
    private IEnumerable<EndpointDataSource>? _sources;
    private SortedDictionary<string, MappedEndpoint>? _all;

    /// <summary>Whether there are any. To find them makes the handlers of all endpoints, which an application without consumers is spared.</summary>
    public bool AreMapped { get; set; }

    /// <summary>All of them, in the order of their channels.</summary>
    /// <exception cref="InvalidOperationException">Two have the same name, or one has a name that no channel can have. The sentence says what to do.</exception>
    public IEnumerable<MappedEndpoint> All => ByChannel.Values;

    public IReadOnlyList<ChannelName> Taken => handover.Value.HandsOut ? [] : [.. All.Select(static consumer => consumer.Channel).Where(selection.Takes)];

    private SortedDictionary<string, MappedEndpoint> ByChannel => _all ??= Read();

    public ConsumerDescriptor? Find(string endpoint) => (Of(EndpointName.OfConnections + endpoint) as MappedConsumer)?.Descriptor;

    /// <summary>The consumer whose clients are handed out under a channel; <see langword="null"/> if this application has none.</summary>
    public MappedEndpoint? Of(string channel) => ByChannel.GetValueOrDefault(channel);

    /// <summary>The endpoints of an application that may run without its server, in which nothing else would gather them.</summary>
    public void Use(IEndpointRouteBuilder application) => _sources = application.DataSources;

    private SortedDictionary<string, MappedEndpoint> Read()
    {
        var read = new SortedDictionary<string, MappedEndpoint>(StringComparer.Ordinal);
        if (!AreMapped)
            return read;
        foreach (var consumer in (_sources?.SelectMany(static source => source.Endpoints) ?? routed?.Endpoints ?? []).Select(MappedEndpoint.Of).OfType<MappedEndpoint>())
        {
            if (!read.TryAdd(consumer.Channel.Value, consumer))
                throw Twice(read[consumer.Channel.Value], consumer);
        }
        return read;
    }

    private static InvalidOperationException Twice(MappedEndpoint one, MappedEndpoint other) => new(
        $"The consumers at '{one.Pattern}' and '{other.Pattern}' have the same name, so workers could not tell their {one.Gives} apart: both are '{one.Channel}'. Give one of them another name with WithName.");
}
