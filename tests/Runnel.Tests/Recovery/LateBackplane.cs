using Runnel.Layers;

namespace Runnel.Tests.Recovery;

/// <summary>A node's backplane that hears messages late: they are held until the test releases them.</summary>
internal sealed class LateBackplane(IBackplane inner) : IBackplane
{
    private readonly Lock _lock = new();
    private readonly List<Action> _held = [];
    private bool _holds;

    public BackplaneFeatures Features => inner.Features;

    public BackplaneState State => inner.State;

    public event Action<BackplaneState>? StateChanged
    {
        add => inner.StateChanged += value;
        remove => inner.StateChanged -= value;
    }

    public void Hold() => _holds = true;

    public void Release()
    {
        lock (_lock)
        {
            _holds = false;
            _held.ForEach(hear => hear());
        }
    }

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        inner.PublishAsync(topic, payload, retention, cancellationToken);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        inner.SubscribeAsync(topic, message => Hear(() => listener.OnMessage(message)), gap => Hear(() => listener.OnGap(gap)), cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReadHistoryAsync(topic, after, limit, cancellationToken);

    private void Hear(Action hear)
    {
        lock (_lock)
        {
            if (_holds)
                _held.Add(hear);
            else
                hear();
        }
    }
}
