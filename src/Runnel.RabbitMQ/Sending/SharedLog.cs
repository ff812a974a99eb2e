using System.Collections.Concurrent;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Lines of text that all processes read, from the beginning and then as they are added: a stream on the broker.</summary>
/// <param name="broker">The broker.</param>
/// <param name="sender">Adds the lines.</param>
/// <param name="topology">Makes the stream.</param>
/// <param name="stream">The stream.</param>
/// <param name="read">Is given each line, as words.</param>
internal sealed class SharedLog(RabbitMQBroker broker, QueueSender sender, QueueTopology topology, BrokerQueue stream, Action<string[]> read)
{
    private const ushort Portion = 500;
    private const string Mark = "mark";
    private const int Tries = 50;
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _marks = new();

    /// <summary>Reads the lines on a connection, for as long as it lives.</summary>
    public async Task ReadAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await topology.EnsureAsync(stream, cancellationToken).ConfigureAwait(false);
        for (var tries = 1; ; tries++)
        {
            try
            {
                await BeginAsync(connection, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (OperationInterruptedException) when (connection.IsOpen && tries < Tries)
            {
                // A stream is declared before it is there, if another process declares it in the same moment.
                await Task.Delay(Rest, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task BeginAsync(IConnection connection, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        await channel.BasicQosAsync(0, Portion, global: false, cancellationToken).ConfigureAwait(false);
        var fromFirst = new Dictionary<string, object?> { ["x-stream-offset"] = "first" };
        await channel.BasicConsumeAsync(stream.Name, autoAck: false, "", noLocal: false, exclusive: false, fromFirst, new Reader(channel, Read), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds lines; they are safe when this ends.</summary>
    public Task WriteAsync(string lines) =>
        sender.PutAsync(stream, new BasicProperties { DeliveryMode = DeliveryModes.Persistent, MessageId = Guid.NewGuid().ToString("N") }, Encoding.UTF8.GetBytes(lines));

    /// <summary>Ends when all that was added before has been read. A line of one's own tells: the broker does not say where a stream ends.</summary>
    /// <exception cref="RabbitUnavailableException">It took longer than <see cref="RabbitMQOptions.OutageTimeout"/>.</exception>
    public async Task CatchUpAsync()
    {
        var mark = Guid.NewGuid().ToString("N");
        var passed = _marks.GetOrAdd(mark, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        await WriteAsync($"{Mark} {mark}").ConfigureAwait(false);
        await WithinAsync(passed.Task).ConfigureAwait(false);
    }

    /// <summary>Waits for something that a line brings.</summary>
    public async Task WithinAsync(Task read)
    {
        try
        {
            await read.WaitAsync(broker.Options.OutageTimeout, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException exception)
        {
            throw new RabbitUnavailableException($"RabbitMQ has not handed out what was added to the stream '{stream.Name}' within {broker.Options.OutageTimeout.TotalSeconds:0.#} s (OutageTimeout)", exception);
        }
    }

    private void Read(string lines)
    {
        foreach (var line in lines.Split('\n'))
        {
            var words = line.Split(' ');
            if (words is not [Mark, var mark])
                read(words);
            else if (_marks.TryRemove(mark, out var passed))
                passed.TrySetResult();
        }
    }

    private sealed class Reader(IChannel channel, Action<string> read) : AsyncDefaultBasicConsumer(channel)
    {
        public override async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            read(Encoding.UTF8.GetString(body.Span));
            await Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken).ConfigureAwait(false);
        }
    }
}
