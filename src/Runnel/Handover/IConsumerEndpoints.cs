namespace Runnel;

/// <summary>The endpoints of the application by their names, for a worker that runs their consumers.</summary>
public interface IConsumerEndpoints
{
    /// <summary>The kind of consumer of an endpoint; <see langword="null"/> if this application has no endpoint of that name.</summary>
    ConsumerDescriptor? Find(string endpoint);
}
