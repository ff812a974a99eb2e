namespace Runnel.Workers;

/// <summary>Thrown by a consumer: the message can never succeed. It becomes a dead letter at once, without further attempts.</summary>
/// <param name="reason">Why, for whoever looks at the dead letter.</param>
/// <param name="innerException">The cause.</param>
public sealed class DeadLetterException(string reason, Exception? innerException = null) : Exception(reason, innerException);
