using RabbitMQ.Client;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Brings messages into queues, and answers when the broker has them safe.</summary>
internal sealed class QueueSender(RabbitPublisher publisher, QueueTopology topology, QueuePlan plan)
{
    private const int Tries = 3, RefusedTries = 20;
    private const string WhyRefused = "a policy of your broker limits the queue, and it is full, or it has no leader, or too few of its replicas are up";
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    /// <summary>Puts a message into a queue. Calls whose queues have taken a message before put their messages in the order of the calls.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="message">The message.</param>
    /// <param name="waited">How long its sender has waited for the broker already.</param>
    /// <exception cref="RabbitUnavailableException">The broker is away, or refuses. If it went away in the middle, it may have the message.</exception>
    public Task PutAsync(BrokerQueue queue, in StoredMessage message, TimeSpan waited = default) => PutAsync(queue, message.Properties(), message.Bytes, waited);

    /// <summary>Puts a message into a queue, with properties of its own.</summary>
    public async Task PutAsync(BrokerQueue queue, BasicProperties properties, ReadOnlyMemory<byte> bytes, TimeSpan waited = default)
    {
        for (var (tries, refused) = (1, 0); ; tries++)
        {
            await topology.EnsureAsync(queue).ConfigureAwait(false);
            var outcome = await publisher.PublishAsync(new Publication("", queue.Name, properties, bytes, IsMandatory: true, waited)).ConfigureAwait(false);
            if (outcome == PublishOutcome.Confirmed)
                return;
            topology.Forget(queue);
            // The broker takes some milliseconds to tell the consumers of a queue that was deleted. One that is made anew before would get them, and they would ignore its first messages.
            if (outcome == PublishOutcome.Returned)
                await Task.Delay(Rest, TimeProvider.System).ConfigureAwait(false);
            if (outcome == PublishOutcome.Refused && ++refused < RefusedTries)
            {
                // A queue is declared before it has a leader, if another process declares it in the same moment.
                await Task.Delay(Rest, TimeProvider.System).ConfigureAwait(false);
                continue;
            }
            if (outcome == PublishOutcome.Refused || tries - refused == Tries)
                throw new RabbitUnavailableException($"RabbitMQ refused to store a message in queue '{queue.Name}': {(outcome == PublishOutcome.Refused ? WhyRefused : "the queue is deleted again and again")}");
        }
    }

    /// <summary>Puts a message into a queue, if it is there.</summary>
    /// <returns>Whether it was there.</returns>
    public async Task<bool> TryPutAsync(string queue, BasicProperties properties, ReadOnlyMemory<byte> bytes)
    {
        var outcome = await publisher.PublishAsync(new Publication("", queue, properties, bytes, IsMandatory: true)).ConfigureAwait(false);
        return outcome != PublishOutcome.Refused ? outcome == PublishOutcome.Confirmed : throw new RabbitUnavailableException($"RabbitMQ refused to store a message in queue '{queue}': {WhyRefused}");
    }

    /// <summary>Puts a message into a queue, but not before a time is over.</summary>
    /// <param name="queue">The queue's name.</param>
    /// <param name="message">The message.</param>
    /// <param name="left">For how long it stays away, in milliseconds.</param>
    /// <param name="isFull">Whether whoever holds delayed messages in memory has no room.</param>
    /// <param name="waited">How long its sender has waited for the broker already.</param>
    public Task PutLaterAsync(string queue, in StoredMessage message, long left, bool isFull = false, TimeSpan waited = default)
    {
        var step = DelayLadder.Next(left, message.Seed, isFull);
        var stays = step?.Milliseconds ?? 0;
        var note = new DelayNote(ProcessClock.Id, ProcessClock.Microseconds + (stays * 1_000), left - stays, queue);
        return PutAsync(step is { } found ? plan.DelayOf(found) : plan.Relay, message.Properties((MessageHeaders.Later, note.ToString())), message.Bytes, waited);
    }
}
