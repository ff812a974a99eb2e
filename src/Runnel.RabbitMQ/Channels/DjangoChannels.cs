using System.Security.Cryptography;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Django;

namespace Runnel.RabbitMQ.Channels;

/// <summary>The channels of single processes on Django's wire: <c>queue!channel</c>, sent by the default exchange to the queue of the process.</summary>
/// <remarks>What is sent to a process that is gone vanishes, as it does between Python's processes: the broker confirms it.</remarks>
internal sealed class DjangoChannels : IDirectChannels, IAsyncDisposable
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private readonly RabbitMQBroker _broker;
    private readonly RabbitMQBackplane _backplane;
    private readonly LocalChannels _local;

    public DjangoChannels(RabbitMQBroker broker, RabbitMQBackplane backplane)
    {
        (_broker, _backplane, _local) = (broker, backplane, new LocalChannels(broker));
        backplane.Queue.Direct = Take;
    }

    public string Process => _backplane.Queue.Name;

    /// <summary>How many messages of a channel wait here for whoever reads them.</summary>
    internal int CountOf(ChannelName channel) => _local.CountOf(channel);

    public async ValueTask<ChannelName> NewChannelAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _backplane.Queue.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"There is no new channel: nothing that is sent to it would arrive. {exception.Message}.", exception);
        }
        return new ChannelName($"{Process}!{RandomNumberGenerator.GetString(Letters, 12)}");
    }

    public async ValueTask SendAsync(ChannelName channel, Message message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!channel.IsProcessSpecific)
            throw new ArgumentException($"Channel '{channel}' belongs to no process, and Django's wire has only such channels: use a name that NewChannelAsync made, or a channel with a consumer (MapChannel).", nameof(channel));
        cancellationToken.ThrowIfCancellationRequested();
        var address = DjangoAddress.OfChannel(channel);
        var publication = new Publication("", address.RoutingKey, new BasicProperties(), DjangoFormat.Encode(new Envelope(message), address));
        try
        {
            if (await _backplane.PublishAsync(publication).WaitAsync(cancellationToken).ConfigureAwait(false) == PublishOutcome.Refused)
                throw new ChannelFullException(channel, _broker.Options.MostRemote);
        }
        catch (IOException exception)
        {
            throw new BackplaneUnavailableException($"The message to channel '{channel}' was not sent, as far as is known. {exception.Message}.", exception);
        }
    }

    public async ValueTask<Message> ReceiveAsync(ChannelName channel, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _backplane.Queue.Link.Begin(); // what comes when the broker is back is worth waiting for
        return await _local.ReceiveAsync(channel, cancellationToken).ConfigureAwait(false);
    }

    public bool Deliver(ChannelName channel, Message message) => _local.Add(channel, message);

    public void Flush() => _local.Clear();

    public ValueTask DisposeAsync() => _local.DisposeAsync();

    private void Take(ReadOnlyMemory<byte> body)
    {
        var message = DjangoFormat.Decode(body.Span);
        if (message.Address.IsGroup)
            throw new FormatException("A message to a group came as if it were for one channel.");
        if (!_local.Add(message.Address.Name, message.Envelope.Message))
            LayerTelemetry.MessagesDropped("channel-full");
    }
}
