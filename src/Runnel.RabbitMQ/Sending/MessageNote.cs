namespace Runnel.RabbitMQ.Sending;

/// <summary>What is known of a message with a key that may come back to its queue.</summary>
/// <param name="Returns">How often it will have come back then, by the broker's count; if it has come back more often, somebody died with it later.</param>
/// <param name="Crashes">How many workers will have died holding it.</param>
/// <param name="Attempts">How often it has failed.</param>
internal readonly record struct MessageNote(long Returns, int Crashes, int Attempts);
