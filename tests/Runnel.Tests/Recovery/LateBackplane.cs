using Runnel.Layers;

namespace Runnel.Tests.Recovery;

/// <summary>A node's backplane that hears messages late: they are held until the test releases them.</summary>
internal sealed class LateBackplane(IBackplane inner) : DelegatingBackplane(inner)
{
    private readonly IBackplane _inner = inner;
    private readonly Lock _lock = new();
    private readonly List<Action> _held = [];
    private bool _holds;

    public void Hold() => _holds = true;

    public void Release()
    {
        lock (_lock)
        {
            _holds = false;
            _held.ForEach(hear => hear());
        }
    }

    public override ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        _inner.SubscribeAsync(topic, message => Hear(() => listener.OnMessage(message)), gap => Hear(() => listener.OnGap(gap)), cancellationToken);

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
