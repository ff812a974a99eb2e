using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>A message on its way to the broker.</summary>
/// <param name="Exchange">The exchange; the empty one brings it to the queue of the routing key's name.</param>
/// <param name="RoutingKey">The routing key.</param>
/// <param name="Properties">The message's properties. One that is mandatory needs a <see cref="IReadOnlyBasicProperties.MessageId"/>, by which it is known when it comes back.</param>
/// <param name="Body">The content; copied before the call that publishes it returns.</param>
/// <param name="IsMandatory">Whether it comes back if no queue takes it.</param>
/// <param name="Waited">How long its sender has waited for the broker already.</param>
internal readonly record struct Publication(string Exchange, string RoutingKey, BasicProperties Properties, ReadOnlyMemory<byte> Body, bool IsMandatory = false, TimeSpan Waited = default);
