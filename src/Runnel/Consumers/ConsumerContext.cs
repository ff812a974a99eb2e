namespace Runnel.Consumers;

/// <summary>What a consumer sees: its connection, its groups, the way to other receivers, and services for the event at hand.</summary>
internal sealed class ConsumerContext(SessionHost host, Connection connection, IMembership membership)
{
    private EventServices? _services;
    private volatile bool _isHandling;

    public SessionHost Host => host;

    public Connection Connection => connection;

    public IMembership Membership => membership;

    /// <summary>Whether an event is being handled.</summary>
    public bool IsHandling => _isHandling;

    public ConnectionGroups Groups => new(membership, host.Groups);

    public IChannels Channels => host.Channels;

    /// <summary>Services that live as long as the event at hand; <see langword="null"/> while none is being handled.</summary>
    public IServiceProvider? Services =>
        _isHandling ? LazyInitializer.EnsureInitialized(ref _services, () => new EventServices(host.Services)).Provider : null;

    /// <summary>The consumer begins to handle something.</summary>
    public void BeginEvent() => _isHandling = true;

    /// <summary>It has handled it: what was scoped to it ends.</summary>
    public ValueTask EndEventAsync()
    {
        _isHandling = false;
        return _services?.EndAsync() ?? ValueTask.CompletedTask;
    }
}
