using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Channels;

/// <summary>Follows and cancels jobs.</summary>
internal sealed class JobFollower(
    JobStore store, IWorkQueue queue, IBackplane backplane, ChannelRegistry channels, TimeProvider timeProvider, ILogger<JobFollower> logger) : IJobs
{
    /// <summary>Where workers hear which running jobs to cancel.</summary>
    public static Topic CancelTopic { get; } = Topic.OfRunnel("cancel");

    // A layer's clock that is set is noticed within this, and so is a state that got lost in an outage or is no longer kept.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    public async ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default) =>
        await store.FindAsync(id, cancellationToken) is { Status: var status } ? await ConcludeAsync(status, cancellationToken) : null;

    public async IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // Subscribed before the present state is read, so that nothing falls between; what comes twice is told apart by its position.
        // One place is enough: a state in between may be left out, and a final one is the last.
        var states = System.Threading.Channels.Channel.CreateBounded<(JobStatus Status, Position Position)>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        await using var subscription = await store.WatchAsync(id, (status, position) => states.Writer.TryWrite((status, position)), cancellationToken);
        if (await store.FindAsync(id, cancellationToken) is not { } latest)
            yield break;

        JobStatus? told = null;
        for (var isKept = true; ;)
        {
            var status = await ConcludeAsync(latest.Status, cancellationToken);
            if (status != told)
                yield return told = status;
            if (status.IsFinal || !isKept)
                yield break;
            var next = await NextAsync(states.Reader, status, cancellationToken) ?? await LookAsync(id, latest, cancellationToken);
            isKept = next is not null;
            if (next is { } later && IsLater(later.Position, latest.Position))
                latest = later;
        }
    }

    public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
    {
        if (!channels.OptionsOf(channel).Cancellable)
            throw ChannelUses.Undeclared(channel, $"job {id} is to be cancelled", nameof(ChannelOptions.Cancellable));
        if (!queue.Features.HasFlag(WorkQueueFeatures.Cancel))
        {
            await store.AskToCancelAsync(id, channels.OptionsOf(channel).JobRetention, cancellationToken);
        }
        else if (await queue.CancelAsync(channel, id, cancellationToken))
        {
            // It is done: what is said of it does not end with the caller's patience.
            if (await store.FindAsync(id, CancellationToken.None) is { } found)
            {
                var cancelled = found.Status with { State = JobState.Cancelled, UpdatedAt = timeProvider.GetUtcNow() };
                await store.PublishAsync(id, cancelled, channels.OptionsOf(channel).JobRetention, cancellationToken: CancellationToken.None);
            }
            Log.JobCancelled(logger, id, channel);
            return true;
        }
        var request = EnvelopeFormat.Encode(new Envelope(new Message("runnel:cancel", ReadOnlyMemory<byte>.Empty)) { Id = id });
        await backplane.PublishAsync(CancelTopic, request, retention: null, cancellationToken);
        return false;
    }

    private static bool IsLater(Position position, Position than) => position.Epoch != than.Epoch || position.Offset > than.Offset;

    // The state as it is: one that has waited for longer than it may has ended, and nobody says so.
    private async ValueTask<JobStatus> ConcludeAsync(JobStatus status, CancellationToken cancellationToken) =>
        JobExpiry.CertainAt(status) is { } certain && await queue.GetTimeAsync(cancellationToken) >= certain ? JobExpiry.Expired(status) : status;

    // Nobody may have asked for this look: while the layer is away, a watch goes on with what it knows.
    private async ValueTask<(JobStatus Status, Position Position)?> LookAsync(MessageId id, (JobStatus Status, Position Position) latest, CancellationToken cancellationToken)
    {
        try
        {
            return await store.FindAsync(id, cancellationToken);
        }
        catch (BackplaneUnavailableException)
        {
            return latest;
        }
    }

    /// <returns>The next state that was published; <see langword="null"/> when it is time to look.</returns>
    private async ValueTask<(JobStatus Status, Position Position)?> NextAsync(
        ChannelReader<(JobStatus Status, Position Position)> states, JobStatus status, CancellationToken cancellationToken)
    {
        var left = JobExpiry.CertainAt(status) is { } certain ? certain - await queue.GetTimeAsync(cancellationToken) : LongestWait;
        // Rounded up to the timers' millisecond: waking early would mean to wake twice.
        using var timer = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Ceiling(Math.Clamp(left.TotalMilliseconds, 1, LongestWait.TotalMilliseconds))), timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            return await states.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
