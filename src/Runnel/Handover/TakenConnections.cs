using Microsoft.Extensions.Options;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>What this node greets gateways with: the endpoints whose consumers it runs for them.</summary>
internal sealed class TakenConnections(IEnumerable<IConsumerEndpoints> endpoints, IOptions<HandoverOptions> options) : IWorkerChannels
{
    public IEnumerable<string> Channels => endpoints.SelectMany(static one => one.Taken).Select(static channel => channel.Value);

    public int MostConnections => options.Value.MaxConnections;
}
