namespace Runnel.Workers;

/// <summary>A <see cref="ChannelConsumer{TMessage}"/> whose jobs have a result: what the method returns is in the job's state (<see cref="JobStatus.Result"/>).</summary>
/// <remarks>A channel that does not track its jobs (<see cref="ChannelOptions.Track"/>) keeps no result.</remarks>
/// <typeparam name="TMessage">What the body is read as; <see cref="System.Text.Json.JsonElement"/> for any JSON, <see cref="Layers.Message"/> for the message itself.</typeparam>
/// <typeparam name="TResult">What the result is written from, as JSON.</typeparam>
public abstract class ChannelConsumer<TMessage, TResult>
{
    /// <summary>Handles a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="job">Its life: identity, attempt, progress, and what else can become of it.</param>
    /// <param name="cancellationToken">Cancelled when the job is cancelled, its time is up, its worker stops or lost its lease.</param>
    /// <returns>The job's result.</returns>
    public abstract Task<TResult> OnMessageAsync(TMessage message, JobContext job, CancellationToken cancellationToken);
}
