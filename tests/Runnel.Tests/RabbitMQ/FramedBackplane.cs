using Runnel.Layers;
using Runnel.RabbitMQ;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Carries any bytes on Django's wire, as binary frames: that wire has a form for Runnel's messages only.</summary>
internal sealed class FramedBackplane(RabbitMQBackplane backplane) : IBackplane, IAsyncDisposable
{
    public event Action<BackplaneState>? StateChanged
    {
        add => backplane.StateChanged += value;
        remove => backplane.StateChanged -= value;
    }

    public BackplaneFeatures Features => backplane.Features;

    public BackplaneState State => backplane.State;

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        backplane.PublishAsync(topic, EnvelopeFormat.Encode(new Envelope(new Message("plain", payload), EnvelopeKind.BinaryFrame)), retention, cancellationToken);

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        backplane.SubscribeAsync(topic, new Unframing(listener), cancellationToken);

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
        backplane.ReadHistoryAsync(topic, after, limit, cancellationToken);

    public ValueTask DisposeAsync() => backplane.DisposeAsync();

    private sealed class Unframing(ITopicListener listener) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message) => listener.OnMessage(message with { Payload = EnvelopeFormat.Decode(message.Payload).Message.Body });

        public void OnGap(TopicGap gap) => listener.OnGap(gap);
    }
}
