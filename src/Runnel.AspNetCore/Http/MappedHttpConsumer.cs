using Runnel.AspNetCore.Handover;

namespace Runnel.AspNetCore.Http;

/// <summary>A consumer that answers requests at a path, which can be handed out by the name of its endpoint.</summary>
internal sealed class MappedHttpConsumer(HttpConsumerDescriptor descriptor) : MappedEndpoint
{
    public HttpConsumerDescriptor Descriptor => descriptor;

    public override string Consumer => descriptor.Name;

    public override string Gives => "requests";

    protected override string Prefix => "http.request.";
}
