namespace Runnel.Workers;

/// <summary>The application's side of a channel: handles its messages of one type. A new instance for each message, from a service scope of its own.</summary>
/// <remarks>
/// At least once: a message is gone only when the method has returned. It may come again, after a crash or a failure, so what it does outside
/// should bear being done twice; <see cref="JobContext.Id"/> is the same each time. An exception is a failed attempt (<see cref="RetryPolicy"/>).
/// </remarks>
/// <typeparam name="TMessage">What the body is read as; <see cref="System.Text.Json.JsonElement"/> for any JSON, <see cref="Layers.Message"/> for the message itself.</typeparam>
public abstract class ChannelConsumer<TMessage>
{
    /// <summary>Handles a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="job">Its life: identity, attempt, progress, and what else can become of it.</param>
    /// <param name="cancellationToken">Cancelled when the job is cancelled, its time is up, its worker stops or lost its lease.</param>
    public abstract Task OnMessageAsync(TMessage message, JobContext job, CancellationToken cancellationToken);
}
