using Runnel.Layers;
using Runnel.RabbitMQ;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Carries any bytes on Django's wire, as binary frames: that wire has a form for Runnel's messages only.</summary>
internal sealed class FramedBackplane(RabbitMQBackplane backplane) : DelegatingBackplane(backplane), IAsyncDisposable
{
    private readonly RabbitMQBackplane _backplane = backplane;

    public override ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
        base.PublishAsync(topic, EnvelopeFormat.Encode(new Envelope(new Message("plain", payload), EnvelopeKind.BinaryFrame)), retention, cancellationToken);

    public override ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        base.SubscribeAsync(topic, new Unframing(listener), cancellationToken);

    public ValueTask DisposeAsync() => _backplane.DisposeAsync();

    private sealed class Unframing(ITopicListener listener) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message) => listener.OnMessage(message with { Payload = EnvelopeFormat.Decode(message.Payload).Message.Body });

        public void OnGap(TopicGap gap) => listener.OnGap(gap);
    }
}
