using Microsoft.Extensions.Logging.Abstractions;
using Runnel.InMemory;
using Runnel.Layers;

namespace Runnel.Tests.Toy;

/// <summary>A backplane that keeps no history, with a wire that a test can cut: each subscription has a <see cref="TopicFlow"/>, as somebody else's layer would.</summary>
internal sealed class ToyBackplane(InMemoryBackplane inner) : IBackplane
{
    private readonly Lock _lock = new();
    private readonly List<TopicFlow> _flows = [];
    private volatile BackplaneState _state = BackplaneState.Connected;

    public BackplaneFeatures Features => inner.Features & ~BackplaneFeatures.History;

    public BackplaneState State => _state;

    public event Action<BackplaneState>? StateChanged;

    /// <summary>What publishing fails with, if anything.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Publishing waits for this.</summary>
    public Task Held { get; set; } = Task.CompletedTask;

    /// <summary>Lets nothing through any more.</summary>
    public void Cut()
    {
        Change(BackplaneState.Interrupted);
        foreach (var flow in Flows())
            flow.Interrupt();
    }

    /// <summary>Ends a cut.</summary>
    public void Heal()
    {
        Change(BackplaneState.Connected);
        foreach (var flow in Flows())
            flow.Restore();
    }

    public async ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        if (Failure is { } failure)
            throw failure;
        if (retention is not null)
            throw KeepsNone(topic);
        await Held;
        return await inner.PublishAsync(topic, payload, retention, cancellationToken);
    }

    public async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
    {
        var flow = new TopicFlow(topic, readHistory: null, TimeProvider.System, NullLogger.Instance);
        IAsyncDisposable? wire = null;
        var subscription = flow.TryAdd(listener, () =>
        {
            lock (_lock)
                _flows.Remove(flow);
            return wire?.DisposeAsync() ?? ValueTask.CompletedTask;
        })!;
        wire = await inner.SubscribeAsync(topic, message => Take(flow, message), cancellationToken);
        lock (_lock)
            _flows.Add(flow);
        flow.Begin(Position.None);
        return subscription;
    }

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) => throw KeepsNone(topic);

    private static NotSupportedException KeepsNone(Topic topic) => new($"The toy layer keeps no history, but '{topic}' was to have one.");

    private void Take(TopicFlow flow, BackplaneMessage message)
    {
        if (_state == BackplaneState.Connected)
            flow.Take(message);
    }

    private List<TopicFlow> Flows()
    {
        lock (_lock)
            return [.. _flows];
    }

    private void Change(BackplaneState state)
    {
        _state = state;
        StateChanged?.Invoke(state);
    }
}
