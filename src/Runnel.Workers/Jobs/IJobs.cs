using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Follows the jobs of channels that track theirs (<see cref="ChannelOptions.Track"/>), from any node.</summary>
public interface IJobs
{
    /// <summary>Reads a job's present state.</summary>
    /// <returns>The state; <see langword="null"/> if there is no such job, its channel does not track jobs, or its state is no longer kept.</returns>
    ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default);

    /// <summary>Follows a job: its present state first, then each later one, until a final one. States in between may be left out.</summary>
    /// <remarks>
    /// If no state follows for as long as states are kept (<see cref="ChannelOptions.JobRetention"/>), the last one is no longer kept, and the watch ends
    /// without a final state: the end of the job could not be published, or the job reports nothing for so long.
    /// </remarks>
    /// <returns>The states; none if there is no such job.</returns>
    IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, CancellationToken cancellationToken = default);

    /// <summary>Cancels a job: one that waits is taken back, one that runs has its cancellation token cancelled, on whichever node it is.</summary>
    /// <remarks>
    /// A layer for work without <see cref="WorkQueueFeatures.Cancel"/> takes nothing back. There the request is remembered on the layer for states, for <see cref="ChannelOptions.JobRetention"/>, and a job
    /// that waits ends as cancelled when its turn comes.
    /// </remarks>
    /// <param name="channel">The channel it is on.</param>
    /// <param name="id">The job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was taken back. <see langword="false"/>: if it is running, its consumer is being told; or the layer takes nothing back.</returns>
    /// <exception cref="InvalidOperationException">The channel is not declared <see cref="ChannelOptions.Cancellable"/>.</exception>
    ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default);
}
