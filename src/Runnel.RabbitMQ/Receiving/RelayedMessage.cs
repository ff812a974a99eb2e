using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>A message that the relay was handed, and has to bring on.</summary>
/// <param name="Acknowledgements">Where it is acknowledged.</param>
/// <param name="Tag">By which it is known there.</param>
/// <param name="To">The queue that it goes to after its delay.</param>
/// <param name="Message">The message.</param>
internal sealed record RelayedMessage(Acknowledgements Acknowledgements, ulong Tag, string To, StoredMessage Message);
