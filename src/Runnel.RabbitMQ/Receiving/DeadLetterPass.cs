using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Takes all dead letters of a channel at once, since a broker shows a message only to whoever takes it; those that are not dealt with go back in their order.</summary>
/// <remarks>As many as <see cref="Most"/>. Meanwhile others see none of them.</remarks>
internal sealed class DeadLetterPass : AsyncDefaultBasicConsumer
{
    private const ushort Most = ushort.MaxValue;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<TakenLetter> _taken = [];
    private readonly ChannelName _name;
    private readonly ILogger _logger;

    private DeadLetterPass(IChannel channel, ChannelName name, ILogger logger)
        : base(channel) => (_name, _logger) = (name, logger);

    /// <summary>Takes them, oldest first.</summary>
    public static async Task<List<TakenLetter>> TakeAsync(IChannel channel, ChannelName name, BrokerQueue queue, ILogger logger, CancellationToken cancellationToken)
    {
        var pass = new DeadLetterPass(channel, name, logger);
        await channel.BasicQosAsync(0, Most, global: false, cancellationToken).ConfigureAwait(false);
        var tag = await channel.BasicConsumeAsync(queue.Name, autoAck: false, pass, cancellationToken).ConfigureAwait(false);
        // When there is none left, all others are on their way; and the answer to the cancellation comes behind them.
        if (await channel.BasicGetAsync(queue.Name, autoAck: false, cancellationToken).ConfigureAwait(false) is { } last)
            pass.Add(last.DeliveryTag, last.BasicProperties, last.Body);
        await channel.BasicCancelAsync(tag, cancellationToken: cancellationToken).ConfigureAwait(false);
        await pass._ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return [.. pass._taken.OrderBy(static letter => letter.Letter?.At)];
    }

    public override Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        Add(deliveryTag, properties, body);
        return Task.CompletedTask;
    }

    public override Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        _ended.TrySetResult();
        return base.HandleBasicCancelOkAsync(consumerTag, cancellationToken);
    }

    public override Task HandleChannelShutdownAsync(object channel, global::RabbitMQ.Client.Events.ShutdownEventArgs reason)
    {
        _ended.TrySetException(new RabbitUnavailableException($"RabbitMQ closed the channel while dead letters of channel '{_name}' were read: {reason.ReplyText}"));
        return base.HandleChannelShutdownAsync(channel, reason);
    }

    private void Add(ulong tag, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        try
        {
            _taken.Add(StoredMessage.TryRead(properties, body, out var message) ? new(tag, DeadLetters.Read(_name, properties, message.Bytes), message) : new(tag, null, default));
        }
        catch (FormatException exception)
        {
            Log.UnreadableLetter(_logger, exception, _name.Value);
            _taken.Add(new(tag, null, default));
        }
    }
}

/// <summary>A dead letter that was taken; one that cannot be read has no <paramref name="Letter"/>.</summary>
internal readonly record struct TakenLetter(ulong Tag, DeadLetter? Letter, StoredMessage Message);
