using RabbitMQ.Client;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Takes messages from the relay: to the next step of their delay, or, when it is over, to their queue.</summary>
/// <remarks>
/// Every process that has a worker does so, apart from what its handlers do, so that no delay waits for a handler. The last seconds of a delay a message waits in memory. It is acknowledged when
/// the broker has its copy: if the process dies before, another one is handed it, and if it dies between, the message comes twice. It is never lost.
/// </remarks>
internal sealed class DelayRelay : IDisposable
{
    private const int MostHeld = 10_000;
    private const long MostHeldBytes = 64L * 1024 * 1024;

    // Those that are held, and some that go on their way, which must not wait for them.
    private const ushort Most = MostHeld + 2_000;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly RabbitMQBroker _broker;
    private readonly QueueSender _sender;
    private readonly QueueTopology _topology;
    private readonly QueuePlan _plan;
    private readonly CancellationToken _stopping;
    private readonly HeldMessages _held;
    private readonly SenderClocks _clocks = new();

    public DelayRelay(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, QueuePlan plan, CancellationToken stopping)
    {
        (_broker, _sender, _topology, _plan, _stopping) = (broker, sender, topology, plan, stopping);
        _held = new HeldMessages((MostHeld, MostHeldBytes), message => _ = MoveAsync(message, PutAsync));
    }

    /// <summary>Takes messages from the relay for as long as the connection lives.</summary>
    public async Task TakeAsync(IConnection connection, CancellationToken cancellationToken)
    {
        _topology.Forget(_plan.Relay); // somebody may have deleted it
        await _topology.EnsureAsync(_plan.Relay, cancellationToken).ConfigureAwait(false);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.BasicQosAsync(0, Most, global: false, cancellationToken).ConfigureAwait(false);
        await channel.BasicConsumeAsync(_plan.Relay.Name, autoAck: false, new Taker(new Acknowledgements(channel), this, connection), cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _held.Dispose();

    // Somebody has deleted the queue, as flushing does: with its channel goes what was held for it.
    private async Task BeginAnewAsync(IChannel channel, IConnection connection)
    {
        try
        {
            await channel.AbortAsync(_stopping).ConfigureAwait(false);
            await TakeAsync(connection, _stopping).ConfigureAwait(false);
        }
        catch (Exception) when (!_stopping.IsCancellationRequested && connection.IsOpen)
        {
            await connection.AbortAsync().ConfigureAwait(false); // the next one takes from the relay
        }
        catch (Exception)
        {
            // The application ends, or the next connection takes from the relay.
        }
    }

    // Whatever the clocks say, no delay is longer than what is left of it.
    private void Take(RelayedMessage message, in DelayNote note)
    {
        var late = _clocks.LatenessOf(note.By, note.From, ProcessClock.Microseconds);
        var left = TimeSpan.FromMicroseconds(Math.Max(0, (note.Left * 1_000) - late));
        var isFull = _held.IsFull;
        if (left.TotalMilliseconds > (isFull ? DelayLadder.HeldWhenFull : DelayLadder.Held))
            _ = MoveAsync(message, each => PutLaterAsync(each, DelayLadder.MillisecondsOf(left), isFull));
        else
            _held.Add(message, TimeProvider.System.GetTimestamp() + (long)Math.Ceiling(left.TotalSeconds * TimeProvider.System.TimestampFrequency));
    }

    private async Task MoveAsync(RelayedMessage message, Func<RelayedMessage, Task> putAsync)
    {
        while (!_stopping.IsCancellationRequested && message.Acknowledgements.Channel.IsOpen)
        {
            try
            {
                await putAsync(message).ConfigureAwait(false);
                message.Acknowledgements.Settle(message.Tag);
                return;
            }
            catch (Exception exception) when (exception is not ObjectDisposedException && !_stopping.IsCancellationRequested && message.Acknowledgements.Channel.IsOpen)
            {
                Log.RelayFailed(_broker.Logger, exception, message.To);
                await Task.Delay(Rest, TimeProvider.System, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception)
            {
                return; // it is the broker's again
            }
        }
    }

    private Task PutLaterAsync(RelayedMessage message, long left, bool isFull) => _sender.PutLaterAsync(message.To, message.Message, left, isFull);

    // A queue that is gone was perhaps flushed, and with it the relay, which takes this message along: then the relay's channel is closed soon. Else the queue is declared again.
    private async Task PutAsync(RelayedMessage message)
    {
        if (await _sender.TryPutAsync(message.To, message.Message.Properties(), message.Message.Bytes).ConfigureAwait(false))
            return;
        await Task.Delay(Rest, TimeProvider.System, _stopping).ConfigureAwait(false);
        if (!message.Acknowledgements.Channel.IsOpen)
            throw new RabbitUnavailableException($"Queue '{message.To}' and the relay were deleted");
        Log.RelayedToNowhere(_broker.Logger, message.To);
        await _sender.PutAsync(_plan.OfName(message.To), message.Message).ConfigureAwait(false);
    }

    private sealed class Taker(Acknowledgements acknowledgements, DelayRelay relay, IConnection connection) : AsyncDefaultBasicConsumer(acknowledgements.Channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            acknowledgements.Open(deliveryTag);
            if (DelayNote.TryParse(MessageHeaders.Text(properties.Headers, MessageHeaders.Later), out var note) && StoredMessage.TryRead(properties, body, out var message))
                relay.Take(new(acknowledgements, deliveryTag, note.To, message), note);
            else
                acknowledgements.Settle(deliveryTag); // not ours
            return Task.CompletedTask;
        }

        // Not on the thread that brings what the broker answers.
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            _ = Task.Run(() => relay.BeginAnewAsync(Channel, connection), CancellationToken.None);
            return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
        }
    }
}
