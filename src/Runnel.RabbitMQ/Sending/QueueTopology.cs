using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The queues on the broker: each is declared when it is first needed, once.</summary>
internal sealed class QueueTopology(RabbitCalls calls, RabbitMQBroker broker)
{
    private const int PreconditionFailed = 406, InternalError = 541, Tries = 6;
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, bool> _declared = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _different = new(StringComparer.Ordinal);

    /// <summary>Makes sure that the queue is there.</summary>
    public ValueTask EnsureAsync(BrokerQueue queue, CancellationToken cancellationToken = default) =>
        _declared.ContainsKey(queue.Name) ? ValueTask.CompletedTask : new(CountAsync(queue, cancellationToken));

    /// <summary>How many messages the queue holds that nobody has taken. It is there afterwards.</summary>
    public async Task<long> CountAsync(BrokerQueue queue, CancellationToken cancellationToken = default)
    {
        if (queue.Next is { } next)
            await CountAsync(next, cancellationToken).ConfigureAwait(false);
        var answer = await DeclareAsync(queue, cancellationToken).ConfigureAwait(false);
        _declared[queue.Name] = true;
        return answer.MessageCount;
    }

    /// <summary>How many consumers the queue has. Of one that has a single active consumer the broker counts only that.</summary>
    public async Task<int> CountConsumersAsync(BrokerQueue queue, CancellationToken cancellationToken) =>
        (int)(await DeclareAsync(queue, cancellationToken).ConfigureAwait(false)).ConsumerCount;

    /// <summary>The queue is gone, as far as is known: another process may have deleted it. It is declared again when it is needed.</summary>
    public void Forget(BrokerQueue queue) => _declared.TryRemove(queue.Name, out _);

    /// <summary>Deletes the queue with all that it holds; it need not be there.</summary>
    /// <returns>How many messages it held.</returns>
    public async Task<long> DeleteAsync(BrokerQueue queue, CancellationToken cancellationToken)
    {
        var held = await calls.AskAsync(channel => channel.QueueDeleteAsync(queue.Name, ifUnused: false, ifEmpty: false, noWait: false, CancellationToken.None), cancellationToken).ConfigureAwait(false);
        Forget(queue);
        return held;
    }

    private async Task<QueueDeclareOk> DeclareAsync(BrokerQueue queue, CancellationToken cancellationToken)
    {
        for (var tries = 1; !_different.ContainsKey(queue.Name); tries++)
        {
            try
            {
                return await calls.AskAsync(
                    channel => channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, queue.Arguments, cancellationToken: CancellationToken.None), cancellationToken).ConfigureAwait(false);
            }
            catch (RabbitUnavailableException exception) when (exception.InnerException is OperationInterruptedException { ShutdownReason: { ReplyCode: PreconditionFailed } reason })
            {
                // Made by a version, or with options, that wanted something else: it is kept as it is.
                if (_different.TryAdd(queue.Name, true))
                    Log.QueueDiffers(broker.Logger, queue.Name, reason.ReplyText);
            }
            catch (RabbitUnavailableException exception) when (exception.InnerException is OperationInterruptedException { ShutdownReason.ReplyCode: InternalError })
            {
                if (tries == Tries)
                    throw new RabbitUnavailableException($"RabbitMQ could not make the queue '{queue.Name}', {Tries} times in a row. {exception.Message}", exception.InnerException) { IsFinal = true };
                // A quorum queue of that name, which was deleted a moment ago, has not wholly ended in the broker ("cluster_not_formed").
                // The broker closes the connection with it, which others use, too: the rests grow.
                await Task.Delay(FirstRest * (1 << (tries - 1)), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
        }
        return await LookAsync(queue, cancellationToken).ConfigureAwait(false);
    }

    private Task<QueueDeclareOk> LookAsync(BrokerQueue queue, CancellationToken cancellationToken) =>
        calls.AskAsync(channel => channel.QueueDeclarePassiveAsync(queue.Name, CancellationToken.None), cancellationToken);
}
