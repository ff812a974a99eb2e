using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Takes messages from the relay: to the next step of their delay, or, at its end, to their queue.</summary>
/// <remarks>
/// Every process that has a worker does so, apart from what its handlers do, so that no delay waits for a handler. A message is acknowledged when the broker has its copy: if the
/// process dies between, the message comes twice, and is never lost.
/// </remarks>
internal sealed class DelayRelay(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, QueuePlan plan, CancellationToken stopping)
{
    // Those that are held at one time; with a hold of 150 ms that is some 30,000 in a second.
    private const ushort Most = 5_000;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    /// <summary>Takes messages from the relay for as long as the connection lives.</summary>
    public async Task TakeAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await topology.EnsureAsync(plan.Relay, cancellationToken).ConfigureAwait(false);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.BasicQosAsync(0, Most, global: false, cancellationToken).ConfigureAwait(false);
        await channel.BasicConsumeAsync(plan.Relay.Name, autoAck: false, new Taker(channel, this), cancellationToken).ConfigureAwait(false);
    }

    private async Task RelayAsync(IChannel channel, ulong tag, string to, long left, StoredMessage message)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!stopping.IsCancellationRequested && channel.IsOpen)
        {
            try
            {
                if (left > DelayLadder.Held)
                {
                    await sender.PutLaterAsync(to, message, left).ConfigureAwait(false);
                }
                else
                {
                    await HoldAsync(since, left).ConfigureAwait(false);
                    if (!await sender.TryPutAsync(to, message.Properties(), message.Bytes).ConfigureAwait(false))
                    {
                        Log.RelayedToNowhere(broker.Logger, to);
                        LayerTelemetry.MessagesDropped("channel-deleted");
                    }
                }
                await channel.BasicAckAsync(tag, multiple: false, stopping).ConfigureAwait(false);
                return;
            }
            catch (Exception exception) when (exception is not ObjectDisposedException && !stopping.IsCancellationRequested && channel.IsOpen)
            {
                Log.RelayFailed(broker.Logger, exception, to);
                await Task.Delay(Rest, TimeProvider.System, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception)
            {
                return; // it is the broker's again
            }
        }
    }

    // Timers may be early by a hair, which a delay must never be.
    private async Task HoldAsync(long since, long left)
    {
        var delay = TimeSpan.FromMilliseconds(left);
        for (var over = TimeProvider.System.GetElapsedTime(since); over < delay; over = TimeProvider.System.GetElapsedTime(since))
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling((delay - over).TotalMilliseconds)), TimeProvider.System, stopping).ConfigureAwait(false);
    }

    private sealed class Taker(IChannel channel, DelayRelay relay) : AsyncDefaultBasicConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            var to = MessageHeaders.Text(properties.Headers, MessageHeaders.To);
            if (to is null || !StoredMessage.TryRead(properties, body, out var message))
                return Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken).AsTask(); // not ours
            _ = relay.RelayAsync(Channel, deliveryTag, to, MessageHeaders.Number(properties.Headers, MessageHeaders.Left), message);
            return Task.CompletedTask;
        }
    }
}
