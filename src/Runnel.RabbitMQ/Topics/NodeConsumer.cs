using System.Diagnostics.CodeAnalysis;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Takes what the broker hands to the node's queue, message by message, and acknowledges many at once, at the latest after a second.</summary>
/// <remarks>The broker closes the channel of a consumer that keeps a message for longer than its delivery time-out. So the last message before a quiet hour is acknowledged, too.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose, and neither does a timer that is not armed.")]
internal sealed class NodeConsumer : AsyncDefaultBasicConsumer
{
    private static readonly TimeSpan Latest = TimeSpan.FromSeconds(1);

    private readonly RabbitMQBroker _broker;
    private readonly Action<string, ReadOnlyMemory<byte>> _take;
    private readonly Action<string> _onEnd;
    private readonly RareWarning _unreadable = new(TimeProvider.System);
    private readonly int _most;
    private readonly SemaphoreSlim _acknowledging = new(1);
    private readonly ITimer _later;
    private int _taken;
    private ulong _last;
    private ulong _acknowledged;
    private bool _isArmed;

    public NodeConsumer(IChannel channel, RabbitMQBroker broker, Action<string, ReadOnlyMemory<byte>> take, Action<string> onEnd)
        : base(channel)
    {
        (_broker, _take, _onEnd, _most) = (broker, take, onEnd, Math.Max(1, broker.Options.MostLocal / 4));
        _later = TimeProvider.System.CreateTimer(_ => AcknowledgeRest(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override async Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        try
        {
            _take(routingKey, body);
        }
        catch (FormatException exception)
        {
            LayerTelemetry.MessagesDropped("unreadable");
            if (_unreadable.IsDue(out var count))
                Log.Unreadable(_broker.Logger, exception, count, exchange, routingKey);
        }
        Volatile.Write(ref _last, deliveryTag);
        if (++_taken < _most)
        {
            if (!Interlocked.Exchange(ref _isArmed, true))
                _later.Change(Latest, Timeout.InfiniteTimeSpan);
            return;
        }
        _taken = 0;
        await AcknowledgeAsync().ConfigureAwait(false);
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        _onEnd("the queue of this node was deleted");
        return Task.CompletedTask;
    }

    private void AcknowledgeRest()
    {
        Volatile.Write(ref _isArmed, false); // before, so that what comes now arms it anew
        _ = AcknowledgeAsync();
    }

    // The timer's turn and that of a full batch may meet, and nothing may be acknowledged twice.
    private async Task AcknowledgeAsync()
    {
        await _acknowledging.WaitAsync().ConfigureAwait(false);
        try
        {
            var last = Volatile.Read(ref _last);
            if (last == _acknowledged || !Channel.IsOpen)
                return;
            _acknowledged = last;
            await Channel.BasicAckAsync(last, multiple: true).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationInterruptedException or ObjectDisposedException or IOException)
        {
            // The channel is closed, and with it everything is given back.
        }
        finally
        {
            _acknowledging.Release();
        }
    }
}
