using System.Text.Json;
using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Sends to work queues, and to connections through their node.</summary>
internal sealed class Channels(
    IWorkQueue queue, JobStore jobs, ChannelRegistry registry, RunnelNode node, TimeProvider timeProvider, IOptions<RunnelOptions> runnel) : IChannels
{
    public async ValueTask<SentMessage> SendAsync<T>(ChannelName channel, T message, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        var settings = registry.OptionsOf(channel);
        var envelope = Envelop(channel, message, options ?? Default, settings);
        if (settings.Track)
            return (await SendTrackedAsync(channel, [envelope], settings, cancellationToken))[0];
        return new SentMessage(envelope.Id, IsDuplicate: await queue.EnqueueAsync(channel, [envelope], LimitsOf(settings), cancellationToken) == 0);
    }

    public async ValueTask<IReadOnlyList<SentMessage>> SendManyAsync<T>(
        ChannelName channel, IEnumerable<T> messages, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var settings = registry.OptionsOf(channel);
        var envelopes = messages.Select(message => Envelop(channel, message, options ?? Default, settings)).ToList();
        if (envelopes.Count == 0)
            return [];
        return settings.Track ? await SendTrackedAsync(channel, envelopes, settings, cancellationToken) : await StoreAsync(channel, envelopes, settings, cancellationToken);
    }

    public ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default) =>
        node.SendEventAsync(channel, new Message(type, JsonSerializer.SerializeToUtf8Bytes(body, runnel.Value.Json)), cancellationToken);

    private static SendOptions Default { get; } = new();

    private Envelope Envelop<T>(ChannelName channel, T message, SendOptions options, ChannelOptions settings)
    {
        if (channel.IsProcessSpecific)
            throw new ArgumentException($"Channel '{channel}' belongs to one process or connection; SendEventAsync sends there.", nameof(channel));
        if (options.NotBefore is not null && options.Delay != TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has both a Delay and a NotBefore; give it one.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Delay, TimeSpan.Zero, nameof(options));

        var body = message switch
        {
            Message raw => raw,
            _ => new Message(MessageHandler.NameOf(channel, typeof(T)), JsonSerializer.SerializeToUtf8Bytes(message, runnel.Value.Json), options.Headers),
        };
        if (body.Body.Length > settings.MaxMessageBytes)
            throw new MessageTooLargeException($"channel '{channel}'", body.Body.Length, settings.MaxMessageBytes);

        var now = timeProvider.GetUtcNow();
        return new Envelope(body)
        {
            Id = MessageId.New(timeProvider),
            Channel = channel,
            SentAt = now,
            NotBefore = options.Delay > TimeSpan.Zero ? now + options.Delay : options.NotBefore,
            ExpiresAt = now + options.Expiry,
            Key = options.Key,
            DeduplicationId = options.DeduplicationId,
            DeduplicationWindow = options.DeduplicationId is null ? TimeSpan.Zero : options.DeduplicationWindow,
        };
    }

    private async ValueTask<IReadOnlyList<SentMessage>> SendTrackedAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, ChannelOptions settings, CancellationToken cancellationToken)
    {
        // Before the message is stored, or a quick worker's "running" would be overwritten. Nobody knows the id yet.
        foreach (var envelope in envelopes)
            await jobs.PublishAsync(envelope.Id, FirstStatus(envelope), settings.JobRetention);
        var refused = envelopes.Select(envelope => envelope.Id).ToHashSet();
        try
        {
            var sent = await StoreAsync(channel, envelopes, settings, cancellationToken);
            refused.ExceptWith(sent.Where(message => !message.IsDuplicate).Select(message => message.Id));
            return sent;
        }
        finally
        {
            // The states of jobs that there never will be: their history ends at once.
            foreach (var envelope in envelopes.Where(envelope => refused.Contains(envelope.Id)))
                await jobs.PublishAsync(envelope.Id, FirstStatus(envelope) with { State = JobState.Cancelled }, TimeSpan.FromMilliseconds(1));
        }
    }

    private async ValueTask<IReadOnlyList<SentMessage>> StoreAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, ChannelOptions settings, CancellationToken cancellationToken)
    {
        // All share the options and so the deduplication id, if any: then the first is stored, or none.
        var count = await queue.EnqueueAsync(channel, envelopes, LimitsOf(settings), cancellationToken);
        var sent = new SentMessage[envelopes.Count];
        for (var i = 0; i < sent.Length; i++)
            sent[i] = new SentMessage(envelopes[i].Id, IsDuplicate: i >= count);
        return sent;
    }

    private static EnqueueOptions LimitsOf(ChannelOptions settings) => new() { Capacity = settings.Capacity, WaitForRoom = settings.WaitForRoom };

    private static JobStatus FirstStatus(Envelope envelope) => new()
    {
        Id = envelope.Id.ToString(),
        Channel = envelope.Channel!.Value.Value,
        State = envelope.NotBefore is null ? JobState.Queued : JobState.Scheduled,
        CreatedAt = envelope.SentAt,
        UpdatedAt = envelope.SentAt,
    };
}
