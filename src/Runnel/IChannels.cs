using Runnel.Layers;

namespace Runnel;

/// <summary>Sends to one receiver by its channel name. Use it from any code of the application.</summary>
public interface IChannels
{
    /// <summary>Sends an event to one connection, on whichever node it is: its consumer's <see cref="HandlesAttribute"/> method runs.</summary>
    /// <remarks>At most once: an event for a connection that is gone reaches nobody, and is counted. Thread-safe.</remarks>
    /// <param name="channel">The connection's channel name (<see cref="Connection.ChannelName"/>).</param>
    /// <param name="type">The event's type: a stable string.</param>
    /// <param name="body">The event; sent as JSON.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The name breaks the rule, or is no connection's.</exception>
    ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default);
}
