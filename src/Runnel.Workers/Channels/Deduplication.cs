using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Channels;

/// <summary>Stores one message of each deduplication id on a queue that does not know duplicates: the id is reserved first, and marked when the message is stored.</summary>
/// <remarks>
/// A sender that dies in between, or that does not learn whether its message was stored, leaves a reservation, which lapses; whoever sends the same id meanwhile waits for that
/// and stores the message then. So there may be two copies, if the first message was stored after all, and never none.
/// </remarks>
internal sealed class Deduplication(IWorkQueue queue, IStateStore states, TimeProvider timeProvider, ILogger<Deduplication> logger)
{
    private static readonly TimeSpan Lapse = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastRest = TimeSpan.FromSeconds(1);

    /// <summary>Whether the queue does it itself, and better.</summary>
    public bool IsOfQueue => queue.Features.HasFlag(WorkQueueFeatures.Deduplicate);

    /// <summary>Stores a message unless one with its id was stored within its window.</summary>
    /// <returns>How many were stored: 1, or 0 for a duplicate.</returns>
    /// <exception cref="IOException">The id could not be reserved, so the message was not stored; or the queue's server went away, and the message may have been stored.</exception>
    public async ValueTask<int> EnqueueAsync(ChannelName channel, Envelope envelope, EnqueueOptions options, CancellationToken cancellationToken)
    {
        if (await ReserveAsync(channel, envelope, options.WaitForRoom, cancellationToken) is not { } reservation)
            return 0;
        try
        {
            await queue.EnqueueAsync(channel, [envelope with { DeduplicationId = null, DeduplicationWindow = TimeSpan.Zero }], options, cancellationToken);
        }
        catch (Exception exception) when (IsCertainlyNotStored(exception))
        {
            await TryAsync(states.ReleaseAsync, reservation, channel);
            throw;
        }
        await TryAsync(states.MarkAsync, reservation, channel);
        return 1;
    }

    /// <returns>The reservation; <see langword="null"/> when a message with the id is stored.</returns>
    private async ValueTask<Reservation?> ReserveAsync(ChannelName channel, Envelope envelope, TimeSpan waitForRoom, CancellationToken cancellationToken)
    {
        var name = NameOf(channel, envelope.DeduplicationId!);
        try
        {
            for (var rest = FirstRest; ; rest = rest * 2 < LastRest ? rest * 2 : LastRest)
            {
                if (await states.ReserveAsync(name, waitForRoom + Lapse, envelope.DeduplicationWindow, cancellationToken) is { } reservation)
                    return reservation;
                if (await states.IsMarkedAsync(name, cancellationToken))
                    return null;
                await Task.Delay(rest, timeProvider, cancellationToken);
            }
        }
        catch (BackplaneUnavailableException exception)
        {
            throw new IOException($"The message for channel '{channel}' was not stored, since its DeduplicationId could not be reserved. {exception.Message}", exception);
        }
    }

    // After anything else, such as a lost answer or a cancellation, the message may be stored: if the id were free, the caller's next attempt would store a second one at once.
    private static bool IsCertainlyNotStored(Exception exception) => exception is ChannelFullException or MessageTooLargeException or ArgumentException or NotSupportedException;

    // What became of the message is certain by now, and that is what the caller is told, whatever the store of states throws. A reservation that is not marked lapses.
    private async ValueTask TryAsync(Func<Reservation, CancellationToken, ValueTask> settle, Reservation reservation, ChannelName channel)
    {
        try
        {
            await settle(reservation, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.ReservationNotSettled(logger, exception, channel, reservation.Lapse);
        }
    }

    // The id may have any characters and any length.
    private static string NameOf(ChannelName channel, string id) => "dedup." + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{channel.QueueName} {id}")));
}
