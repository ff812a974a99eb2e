using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Follows and cancels jobs.</summary>
internal sealed class Jobs(
    JobStore store, IWorkQueue queue, IBackplane backplane, ChannelRegistry channels, TimeProvider timeProvider, ILogger<Jobs> logger) : IJobs
{
    /// <summary>Where workers hear which running jobs to cancel.</summary>
    public static Topic CancelTopic { get; } = Topic.OfGroup("runnel.cancel");

    public async ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default) =>
        (await store.FindAsync(id, cancellationToken))?.Status;

    public async IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // Subscribed before the present state is read, so that nothing falls between; what comes twice is told apart by its position.
        // One place is enough: a state in between may be left out, and a final one is the last.
        var states = System.Threading.Channels.Channel.CreateBounded<(JobStatus Status, Position Position)>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        await using var subscription = await store.SubscribeAsync(id, (status, position) => states.Writer.TryWrite((status, position)), cancellationToken);
        if (await store.FindAsync(id, cancellationToken) is not { } present)
            yield break;

        yield return present.Status;
        for (var (status, seen) = present; !status.IsFinal;)
        {
            (status, var position) = await states.Reader.ReadAsync(cancellationToken);
            if (position.Epoch == seen.Epoch && position.Offset <= seen.Offset)
            {
                status = present.Status;
                continue;
            }
            seen = position;
            yield return status;
        }
    }

    public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        if (await queue.CancelAsync(channel, id, cancellationToken))
        {
            // It is done: what is said of it does not end with the caller's patience.
            if (await store.FindAsync(id, CancellationToken.None) is { } found)
            {
                var cancelled = found.Status with { State = JobState.Cancelled, UpdatedAt = timeProvider.GetUtcNow() };
                await store.PublishAsync(id, cancelled, channels.OptionsOf(channel).JobRetention);
            }
            Log.JobCancelled(logger, id, channel);
            return true;
        }
        var request = EnvelopeFormat.Encode(new Envelope(new Message("runnel:cancel", ReadOnlyMemory<byte>.Empty)) { Id = id });
        await backplane.PublishAsync(CancelTopic, request, retention: null, cancellationToken);
        return false;
    }
}
