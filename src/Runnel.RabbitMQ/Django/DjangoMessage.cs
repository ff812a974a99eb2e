using Runnel.Layers;

namespace Runnel.RabbitMQ.Django;

/// <summary>A message that came on Django's wire.</summary>
/// <param name="Address">Where it was sent to.</param>
/// <param name="Envelope">The message.</param>
internal sealed record DjangoMessage(DjangoAddress Address, Envelope Envelope);
