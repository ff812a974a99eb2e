using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ;

public sealed partial class RabbitMQWorkQueue
{
    // Others may go on sending while everything is deleted.
    private const int MostPasses = 3;

    /// <inheritdoc/>
    /// <remarks>
    /// The broker tells how many messages its queues hold ready, and no more. What this process holds is counted, too; what other processes hold, or is delayed, is not.
    /// </remarks>
    public async ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await OpenAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        List<ChannelStatus> all = [];
        foreach (var channel in await _registry.ListAsync().WaitAsync(cancellationToken).ConfigureAwait(false))
        {
            var queues = _channels.QueuesOf(channel);
            var ready = await CountAsync(queues.Plain, cancellationToken).ConfigureAwait(false);
            foreach (var shard in queues.Shards)
                ready += await CountAsync(shard, cancellationToken).ConfigureAwait(false);
            var dead = await CountAsync(queues.Dead, cancellationToken).ConfigureAwait(false);
            var inHand = WorkersOn(channel).Sum(static worker => worker.InHand);
            if (ready + dead + inHand > 0)
                all.Add(new ChannelStatus(channel, ready, Scheduled: 0, Blocked: 0, inHand, dead, OldestReady: null));
        }
        return all;
    }

    /// <inheritdoc/>
    /// <remarks>The broker shows them only to whoever takes them: for a moment, others see none.</remarks>
    public async ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        List<DeadLetter> found = [];
        await ForEachAsync(
            channel.QueueName,
            taken =>
            {
                if (taken.Letter is { } letter && found.Count < limit && filter.Matches(letter))
                    found.Add(letter);
                return Task.FromResult(false);
            },
            cancellationToken).ConfigureAwait(false);
        return found;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var queues = _channels.QueuesOf(channel.QueueName);
        return await ForEachAsync(
            channel.QueueName,
            async taken =>
            {
                if (taken is not { Letter: { } letter, Message: { } message } || !filter.Matches(letter))
                    return false;
                if (letter.Envelope.Key is not null)
                    queues.Split(await _registry.SplitAsync(queues.Channel).ConfigureAwait(false));
                EnvelopeFormat.WriteCounters(message.Bytes, attempt: 0, crashes: 0);
                EnvelopeFormat.WriteExpiresAt(message.Bytes, null);
                EnvelopeFormat.WriteNotBefore(message.Bytes, null);
                await _returner.PutAsync(queues.OfKey(letter.Envelope.Key), message).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return await ForEachAsync(
            channel.QueueName,
            taken => Task.FromResult(taken.Letter is null ? filter == DeadLetterFilter.All : filter.Matches(taken.Letter)),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await OpenAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        // A message that was on its way from one queue to the next, such as one whose delay had just ended, is in the next one now.
        for (var pass = 0; pass < MostPasses && await DeleteAllAsync(cancellationToken).ConfigureAwait(false) > 0; pass++)
        {
        }
    }

    private async Task<long> DeleteAllAsync(CancellationToken cancellationToken)
    {
        var held = 0L;
        foreach (var step in DelayLadder.Steps)
            held += await _topology.DeleteAsync(_plan.DelayOf(step), cancellationToken).ConfigureAwait(false);
        held += await _topology.DeleteAsync(_plan.Relay, cancellationToken).ConfigureAwait(false);
        foreach (var channel in await _registry.ListAsync().ConfigureAwait(false))
        {
            var queues = _channels.QueuesOf(channel);
            foreach (var queue in queues.Shards.Append(queues.Plain).Append(queues.Dead).Append(queues.Workers))
                held += await _topology.DeleteAsync(queue, cancellationToken).ConfigureAwait(false);
            foreach (var worker in WorkersOn(channel))
                worker.QueuesAreGone();
        }
        return held;
    }

    // A queue that was never declared is declared now: it costs nothing, and asking for one that is not there costs the broker's log a line.
    private Task<long> CountAsync(BrokerQueue queue, CancellationToken cancellationToken) => _topology.CountAsync(queue, cancellationToken);

    private List<WorkerChannel> WorkersOn(ChannelName channel)
    {
        lock (_lock)
            return [.. _workers.SelectMany(static worker => worker.Channels).Where(worked => worked.Name == channel)];
    }

    // All on one AMQP channel: what has gone back is there again for whoever comes next.
    private async Task<int> ForEachAsync(ChannelName channel, Func<TakenLetter, Task<bool>> dealWith, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await OpenAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        var queue = _channels.QueuesOf(channel).Dead;
        await _topology.EnsureAsync(queue, cancellationToken).ConfigureAwait(false);
        return await _letters.AskAsync(
            async amqp =>
            {
                var (done, kept) = (0, new List<ulong>());
                try
                {
                    foreach (var letter in await DeadLetterPass.TakeAsync(amqp, channel, queue, _broker.Logger, cancellationToken).ConfigureAwait(false))
                    {
                        kept.Add(letter.Tag);
                        if (cancellationToken.IsCancellationRequested || !await dealWith(letter).ConfigureAwait(false))
                            continue;
                        await amqp.BasicAckAsync(letter.Tag, multiple: false, CancellationToken.None).ConfigureAwait(false);
                        kept.RemoveAt(kept.Count - 1);
                        done++;
                    }
                    foreach (var tag in kept)
                        await amqp.BasicNackAsync(tag, multiple: false, requeue: true, CancellationToken.None).ConfigureAwait(false);
                }
                catch
                {
                    await amqp.AbortAsync(CancellationToken.None).ConfigureAwait(false); // all that were not dealt with go back
                    throw;
                }
                return done;
            },
            Timeout.InfiniteTimeSpan,
            cancellationToken).ConfigureAwait(false);
    }
}
