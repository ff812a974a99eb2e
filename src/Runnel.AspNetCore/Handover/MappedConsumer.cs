namespace Runnel.AspNetCore.Handover;

/// <summary>A consumer of connections at a path.</summary>
internal sealed class MappedConsumer(ConsumerDescriptor descriptor) : MappedEndpoint
{
    public ConsumerDescriptor Descriptor => descriptor;

    public override string Consumer => descriptor.Name;

    public override string Gives => "connections";

    protected override string Prefix => EndpointName.OfConnections;
}
