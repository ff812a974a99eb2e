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
        var sent = await SendAllAsync(channel, [Envelop(channel, message, options ?? Default)], cancellationToken);
        return sent[0];
    }

    public async ValueTask<IReadOnlyList<SentMessage>> SendManyAsync<T>(
        ChannelName channel, IEnumerable<T> messages, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var envelopes = messages.Select(message => Envelop(channel, message, options ?? Default)).ToList();
        return envelopes.Count == 0 ? [] : await SendAllAsync(channel, envelopes, cancellationToken);
    }

    public ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default) =>
        node.SendEventAsync(channel, new Message(type, JsonSerializer.SerializeToUtf8Bytes(body, runnel.Value.Json)), cancellationToken);

    private static SendOptions Default { get; } = new();

    private Envelope Envelop<T>(ChannelName channel, T message, SendOptions options)
    {
        if (channel.IsProcessSpecific)
            throw new ArgumentException($"Channel '{channel}' belongs to one process or connection; SendEventAsync sends there.", nameof(channel));
        if (options.NotBefore is not null && options.Delay != TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has both a Delay and a NotBefore; give it one.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Delay, TimeSpan.Zero, nameof(options));
        if (options.Expiry is { } expiry)
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(expiry, TimeSpan.Zero, nameof(options));

        var body = Write(channel, message, options);
        var limit = registry.OptionsOf(channel).MaxMessageBytes;
        if (body.Body.Length > limit)
            throw new MessageTooLargeException($"channel '{channel}'", body.Body.Length, limit);

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

    private Message Write<T>(ChannelName channel, T message, SendOptions options)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message is Message raw)
            return options.Headers is null ? raw : new Message(raw.Type, raw.Body, new Dictionary<string, string>([.. raw.Headers.Where(header => !options.Headers.ContainsKey(header.Key)), .. options.Headers]));
        // Messages of several types are sent together as objects.
        var type = typeof(T) == typeof(object) ? message.GetType() : typeof(T);
        return new Message(MessageHandler.NameOf(channel, type), JsonSerializer.SerializeToUtf8Bytes(message, type, runnel.Value.Json), options.Headers);
    }

    private async ValueTask<IReadOnlyList<SentMessage>> SendAllAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, CancellationToken cancellationToken)
    {
        var options = registry.OptionsOf(channel);
        var limits = new EnqueueOptions { Capacity = options.Capacity, WaitForRoom = options.WaitForRoom };
        if (!options.Track)
            return await StoreAsync(channel, envelopes, limits, cancellationToken);

        // Before the message is stored, or a quick worker's "running" would be overwritten. Nobody knows the id yet.
        var refused = envelopes.Select(envelope => envelope.Id).ToHashSet();
        try
        {
            await Task.WhenAll(envelopes.Select(envelope => PublishAsync(envelope, JobState.Queued, options.JobRetention)));
            var sent = await StoreAsync(channel, envelopes, limits, cancellationToken);
            refused.ExceptWith(sent.Where(message => !message.IsDuplicate).Select(message => message.Id));
            return sent;
        }
        finally
        {
            // The states of jobs that there never will be: their history ends at once.
            await Task.WhenAll(envelopes.Where(envelope => refused.Contains(envelope.Id)).Select(envelope => PublishAsync(envelope, JobState.Cancelled, TimeSpan.FromMilliseconds(1))));
        }
    }

    private async ValueTask<IReadOnlyList<SentMessage>> StoreAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions limits, CancellationToken cancellationToken)
    {
        if (envelopes is [{ } only])
            return [new SentMessage(only.Id, IsDuplicate: await queue.EnqueueAsync(channel, envelopes, limits, cancellationToken) == 0)];

        // All share the options and so the deduplication id, if any: then the first is stored, or none.
        var count = await queue.EnqueueAsync(channel, envelopes, limits, cancellationToken);
        return [.. envelopes.Select((envelope, index) => new SentMessage(envelope.Id, IsDuplicate: index >= count))];
    }

    private async Task PublishAsync(Envelope envelope, JobState state, TimeSpan retention)
    {
        var wait = envelope.NotBefore is { } due && due > envelope.SentAt && state != JobState.Cancelled ? due - envelope.SentAt : TimeSpan.Zero;
        var status = new JobStatus
        {
            Id = envelope.Id.ToString(),
            Channel = envelope.Channel!.Value.Value,
            State = wait > TimeSpan.Zero ? JobState.Scheduled : state,
            CreatedAt = envelope.SentAt,
            UpdatedAt = envelope.SentAt,
        };
        await jobs.PublishAsync(envelope.Id, status, retention, wait);
    }
}
