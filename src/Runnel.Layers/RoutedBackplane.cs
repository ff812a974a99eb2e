namespace Runnel.Layers;

/// <summary>A backplane whose topics of states are those of another one. Each topic lives wholly on one of the two, so its messages have one order.</summary>
internal sealed class RoutedBackplane : IBackplane
{
    private readonly IBackplane _main;
    private readonly IBackplane _states;
    private readonly Lock _lock = new();
    private BackplaneState _state;

    public RoutedBackplane(IBackplane main, IBackplane states)
    {
        (_main, _states) = (main, states);
        _state = State;
        main.StateChanged += _ => UpdateState();
        states.StateChanged += _ => UpdateState();
    }

    public event Action<BackplaneState>? StateChanged;

    // What groups may use: states have a layer of their own.
    public BackplaneFeatures Features => _main.Features;

    public BackplaneState State =>
        _main.State == BackplaneState.Connected && _states.State == BackplaneState.Connected ? BackplaneState.Connected : BackplaneState.Interrupted;

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        Of(topic).PublishAsync(topic, payload, retention, cancellationToken);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        Of(topic).SubscribeAsync(topic, listener, cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        Of(topic).ReadHistoryAsync(topic, after, limit, cancellationToken);

    private IBackplane Of(Topic topic) => topic.Kind == TopicKind.State ? _states : _main;

    private void UpdateState()
    {
        // Held while it is told, so that what is told last is what is.
        lock (_lock)
        {
            if (_state == State)
                return;
            _state = State;
            StateChanged?.Invoke(_state);
        }
    }
}
