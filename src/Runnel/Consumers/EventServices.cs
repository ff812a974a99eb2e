using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Consumers;

/// <summary>The services of the event that a consumer is handling: a scope that is made on first use and disposed of with the event.</summary>
/// <remarks>A connection may last for days. What belongs to one piece of work, such as a database context, would grow and go stale with it.</remarks>
internal sealed class EventServices(IServiceProvider services)
{
    private readonly Lock _lock = new();
    private AsyncServiceScope? _scope;

    public IServiceProvider Provider
    {
        get
        {
            lock (_lock)
                return (_scope ??= services.CreateAsyncScope()).ServiceProvider;
        }
    }

    /// <summary>The event is handled.</summary>
    public ValueTask EndAsync()
    {
        AsyncServiceScope? scope;
        lock (_lock)
            (scope, _scope) = (_scope, null);
        return scope?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
