namespace Runnel.RabbitMQ.Sending;

/// <summary>One of the queues in which messages stay away for a fixed time.</summary>
/// <param name="Milliseconds">For how long.</param>
/// <param name="Stripe">Which of several alike.</param>
internal readonly record struct DelayStep(long Milliseconds, int Stripe);
