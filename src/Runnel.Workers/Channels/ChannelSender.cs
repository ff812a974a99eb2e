using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Channels;

/// <summary>Sends to work queues, and to connections through their node.</summary>
internal sealed class ChannelSender(
    IWorkQueue queue, JobStore jobs, ChannelRegistry registry, ConsumedChannels consumed, Deduplication deduplication, RunnelNode node, TimeProvider timeProvider, IOptions<RunnelOptions> runnel) : IChannels
{
    public ValueTask<SentMessage> SendAsync<T>(ChannelName channel, T message, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendAsync(channel, message, options ?? Default, isOwn: false, cancellationToken);

    /// <summary>Sends a message whose uses the channel need not declare: whoever sends it has.</summary>
    public ValueTask<SentMessage> SendOwnAsync<T>(ChannelName channel, T message, SendOptions options, CancellationToken cancellationToken) =>
        SendAsync(channel, message, options, isOwn: true, cancellationToken);

    private async ValueTask<SentMessage> SendAsync<T>(ChannelName channel, T message, SendOptions options, bool isOwn, CancellationToken cancellationToken)
    {
        var settings = registry.OptionsOf(channel);
        if (!isOwn)
            ChannelUses.Check(channel, options, settings);
        Check(channel, options);
        var now = await TimeAsync(options, settings, cancellationToken);
        // The layer has a copy when it returns its task, so the memory of the body does not wait for the disk or the network.
        Envelope envelope;
        ValueTask<int> storing;
        using (var bodies = BodyWriter.Rent(runnel.Value.Json))
        {
            envelope = Envelop(channel, message, options, settings, bodies, now);
            if (settings.Track || IsReserved(envelope))
                return (await StoreInStepsAsync(channel, [envelope], settings, cancellationToken))[0];
            storing = queue.EnqueueAsync(channel, [envelope], LimitsOf(settings), cancellationToken);
        }
        var stored = await storing;
        consumed.AfterSend(channel);
        return new SentMessage(envelope.Id, IsDuplicate: stored == 0);
    }

    public async ValueTask<IReadOnlyList<SentMessage>> SendManyAsync<T>(
        ChannelName channel, IEnumerable<T> messages, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= Default;
        var settings = registry.OptionsOf(channel);
        ChannelUses.Check(channel, options, settings);
        Check(channel, options);
        var now = await TimeAsync(options, settings, cancellationToken);
        List<Envelope> envelopes;
        ValueTask<int> storing;
        using (var bodies = BodyWriter.Rent(runnel.Value.Json))
        {
            envelopes = [.. messages.Select(message => Envelop(channel, message, options, settings, bodies, now))];
            if (envelopes.Count == 0)
                return [];
            if (settings.Track || IsReserved(envelopes[0]))
                return await StoreInStepsAsync(channel, envelopes, settings, cancellationToken);
            storing = queue.EnqueueAsync(channel, envelopes, LimitsOf(settings), cancellationToken);
        }
        return Sent(channel, envelopes, await storing);
    }

    public ValueTask SendEventAsync<T>(ChannelName channel, string type, T body, CancellationToken cancellationToken = default) =>
        node.SendEventAsync(channel, new Message(type, JsonSerializer.SerializeToUtf8Bytes(body, runnel.Value.Json)), cancellationToken);

    private static SendOptions Default { get; } = new();

    private static void Check(ChannelName channel, SendOptions options)
    {
        if (channel.IsProcessSpecific)
            throw new ArgumentException($"Channel '{channel}' belongs to one process or connection; SendEventAsync sends there.", nameof(channel));
        if (options.NotBefore is not null && options.Delay != TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has both a Delay and a NotBefore; give it one.", nameof(options));
        if (options.Delay < TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has a Delay of {options.Delay}, which is negative; leave it out to have the message handled at once.", nameof(options));
        if (options.Expiry <= TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has an Expiry of {options.Expiry}, so that it could never be handled; give it a longer one, or none.", nameof(options));
        if (!string.IsNullOrEmpty(options.DeduplicationId) && options.DeduplicationWindow <= TimeSpan.Zero)
            throw new ArgumentException($"The message for channel '{channel}' has a DeduplicationWindow of {options.DeduplicationWindow}, so that its DeduplicationId would not be remembered; give it a longer one.", nameof(options));
    }

    // The state of a tracked job says when it is due and when it expires, and the layer's clock decides about both. Other messages are spared the trip:
    // the layer counts their Delay and Expiry itself.
    private ValueTask<DateTimeOffset> TimeAsync(SendOptions options, ChannelOptions settings, CancellationToken cancellationToken) =>
        settings.Track && (options.NotBefore is not null || options.Expiry is not null) ? queue.GetTimeAsync(cancellationToken) : new(timeProvider.GetUtcNow());

    private Envelope Envelop<T>(ChannelName channel, T message, SendOptions options, ChannelOptions settings, BodyWriter bodies, DateTimeOffset now)
    {
        var body = Write(channel, message, options, bodies);
        if (body.Body.Length > settings.MaxMessageBytes)
            throw new MessageTooLargeException($"channel '{channel}'", body.Body.Length, settings.MaxMessageBytes);

        return new Envelope(body)
        {
            Id = MessageId.New(timeProvider),
            Channel = channel,
            SentAt = now,
            NotBefore = options.NotBefore,
            Delay = options.Delay,
            ExpiresAt = settings.Track && options.Expiry is { } expiry ? JobExpiry.After(now, expiry) : null,
            TimeToLive = settings.Track ? null : options.Expiry,
            Key = options.Key,
            DeduplicationId = string.IsNullOrEmpty(options.DeduplicationId) ? null : options.DeduplicationId,
            DeduplicationWindow = string.IsNullOrEmpty(options.DeduplicationId) ? TimeSpan.Zero : options.DeduplicationWindow,
        };
    }

    private static Message Write<T>(ChannelName channel, T message, SendOptions options, BodyWriter bodies)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message is Message raw)
            return new Message(raw.Type, raw.Body, HeadersOf(raw.Headers, options));
        // Messages of several types are sent together as objects.
        var type = typeof(T) == typeof(object) ? message.GetType() : typeof(T);
        return new Message(MessageHandler.NameOf(channel, type), bodies.Write(message, type), HeadersOf(null, options));
    }

    // The sender's trace goes along, so that the job is part of it (W3C Trace Context); what the application says itself counts for more.
    private static Dictionary<string, string>? HeadersOf(IReadOnlyDictionary<string, string>? own, SendOptions options)
    {
        var trace = Activity.Current is { IdFormat: ActivityIdFormat.W3C, Recorded: true } activity ? activity.Id : null;
        if (own is null or { Count: 0 } && options is { Headers: null, Owner: null, Tags: null } && trace is null)
            return null;
        var headers = new Dictionary<string, string>();
        if (trace is not null)
            headers["traceparent"] = trace;
        foreach (var (name, value) in (own ?? new Dictionary<string, string>()).Concat(options.Headers ?? new Dictionary<string, string>()))
            headers[name] = value;
        JobHeaders.Add(headers, options);
        return headers;
    }

    // Whether the message's deduplication id is reserved before the message is stored.
    private bool IsReserved(Envelope envelope) => envelope.DeduplicationId is not null && !deduplication.IsOfQueue;

    // These wait for the layer before they give it the messages, so they keep the memory of the bodies until they have ended.
    private ValueTask<IReadOnlyList<SentMessage>> StoreInStepsAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, ChannelOptions settings, CancellationToken cancellationToken) =>
        settings.Track ? SendTrackedAsync(channel, envelopes, settings, cancellationToken) : StoreAsync(channel, envelopes, settings, cancellationToken);

    private async ValueTask<IReadOnlyList<SentMessage>> SendTrackedAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, ChannelOptions settings, CancellationToken cancellationToken)
    {
        var began = timeProvider.GetTimestamp();
        try
        {
            // Before the message is stored, or a quick worker's "running" would be overwritten. Nobody knows the id yet.
            await Task.WhenAll(envelopes.Select(envelope => PublishAsync(envelope, JobState.Queued, settings.JobRetention, cancellationToken)));
            var sent = await StoreAsync(channel, envelopes, settings, cancellationToken, timeProvider.GetElapsedTime(began));
            await ForgetAsync(envelopes.Where((_, at) => sent[at].IsDuplicate));
            return sent;
        }
        catch (ChannelFullException)
        {
            await ForgetAsync(envelopes);
            throw;
        }
        catch (BackplaneUnavailableException exception)
        {
            throw new IOException($"The message for channel '{channel}' was not stored, since the state of its job could not be. {exception.Message}", exception);
        }
    }

    // The states of jobs that there never will be: their history ends at once. When the layer went away in the middle, the message may have been stored, and
    // the caller has waited for long enough: then a state ends by itself.
    private Task ForgetAsync(IEnumerable<Envelope> envelopes) => Task.WhenAll(envelopes.Select(ForgetAsync));

    private async Task ForgetAsync(Envelope envelope)
    {
        try
        {
            await PublishAsync(envelope, JobState.Cancelled, TimeSpan.FromMilliseconds(1), CancellationToken.None);
        }
        catch (BackplaneUnavailableException)
        {
            // It ends by itself, too; the caller is told what became of the message.
        }
    }

    private async ValueTask<IReadOnlyList<SentMessage>> StoreAsync(
        ChannelName channel, IReadOnlyList<Envelope> envelopes, ChannelOptions settings, CancellationToken cancellationToken, TimeSpan alreadyWaited = default)
    {
        var limits = LimitsOf(settings, alreadyWaited);
        var stored = IsReserved(envelopes[0])
            ? await deduplication.EnqueueAsync(channel, envelopes[0], limits, cancellationToken)
            : await queue.EnqueueAsync(channel, envelopes, limits, cancellationToken);
        return Sent(channel, envelopes, stored);
    }

    // All share the options and so the deduplication id, if any: then the first is stored, or none.
    private SentMessage[] Sent(ChannelName channel, IReadOnlyList<Envelope> envelopes, int stored)
    {
        consumed.AfterSend(channel);
        var sent = new SentMessage[envelopes.Count];
        for (var i = 0; i < sent.Length; i++)
            sent[i] = new SentMessage(envelopes[i].Id, IsDuplicate: i >= stored);
        return sent;
    }

    private static EnqueueOptions LimitsOf(ChannelOptions settings, TimeSpan alreadyWaited = default) =>
        new() { Capacity = settings.Capacity, WaitForRoom = settings.WaitForRoom, AlreadyWaited = alreadyWaited };

    private async Task PublishAsync(Envelope envelope, JobState state, TimeSpan retention, CancellationToken cancellationToken)
    {
        var wait = state == JobState.Cancelled ? TimeSpan.Zero
            : envelope.NotBefore is { } due && due > envelope.SentAt ? due - envelope.SentAt
            : envelope.Delay;
        var status = new JobStatus
        {
            Id = envelope.Id.ToString(),
            Channel = envelope.Channel!.Value.Value,
            State = wait > TimeSpan.Zero ? JobState.Scheduled : state,
            CreatedAt = envelope.SentAt,
            UpdatedAt = envelope.SentAt,
            ExpiresAt = envelope.ExpiresAt,
        };
        await jobs.PublishAsync(envelope.Id, JobHeaders.With(status, envelope.Message), retention, wait, cancellationToken);
    }
}
