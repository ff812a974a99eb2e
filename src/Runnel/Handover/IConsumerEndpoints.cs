using Runnel.Layers;

namespace Runnel;

/// <summary>The endpoints of the application by their names, for a worker that runs their consumers.</summary>
public interface IConsumerEndpoints
{
    /// <summary>The channels of the endpoints whose connections this process takes, <c>websocket.connect.NAME</c>, in order. Ask once the application has started.</summary>
    IReadOnlyList<ChannelName> Taken { get; }

    /// <summary>The kind of consumer of an endpoint; <see langword="null"/> if this application has no endpoint of that name.</summary>
    ConsumerDescriptor? Find(string endpoint);
}
