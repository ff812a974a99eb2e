using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Recurring;

/// <summary>Puts recurring messages on their channels. Every worker node does; of each tick, the deduplication of the channel keeps one.</summary>
/// <remarks>
/// Ticks go by the layer's clock, which all nodes share. When a tick fired last is the one message in the history of a topic. A node that finds ticks missed
/// since (no node ran, the clock was set forward, the layer was away) catches up one, no more.
/// </remarks>
internal sealed class RecurringService(
    IEnumerable<RecurringMessage> messages,
    ChannelRegistry registry,
    ChannelSender sender,
    IWorkQueue queue,
    IBackplane backplane,
    IOptions<WorkerOptions> options,
    TimeProvider timeProvider,
    ILogger<RecurringService> logger) : BackgroundService
{
    private static readonly Retention Remembered = new(1, TimeSpan.FromDays(365));
    private static readonly TimeSpan Window = TimeSpan.FromHours(1); // between the first node that fires a tick and the last

    // How often the clock is looked at: timers do not notice when it is set, and to look is a trip to the layer.
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(30);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var message in options.Value.Enabled ? messages : [])
            ThrowIfNotConsumed(message);
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        options.Value.Enabled ? Task.WhenAll(messages.Select(message => RepeatAsync(message, stoppingToken))) : Task.CompletedTask;

    private void ThrowIfNotConsumed(RecurringMessage message)
    {
        if (registry.Find(message.Channel) is not { HasConsumers: true } channel)
        {
            throw new InvalidOperationException(
                $"The recurring message '{message.Name}' goes to channel '{message.Channel}', which has no consumer in this application: map one with MapChannel, or correct the name.");
        }
        if (channel.HandlerOf(message.Type) is null)
        {
            throw new InvalidOperationException(
                $"The recurring message '{message.Name}' is of type '{message.Type}', and channel '{message.Channel}' has consumers for: {string.Join(", ", channel.Types)}. Map a consumer of this type.");
        }
    }

    private async Task RepeatAsync(RecurringMessage message, CancellationToken stopping)
    {
        RecurringTick? last = null;
        var restAfterFailure = ShortestRest;
        while (!stopping.IsCancellationRequested)
        {
            TimeSpan rest;
            try
            {
                var now = await queue.GetTimeAsync(stopping);
                last = last is null ? await StartAsync(message, now, stopping) : await FollowClockAsync(message, last, now, stopping);
                if (message.Schedule.NextAfter(last.At) is not { } next)
                    return;
                if (next <= now)
                {
                    var tick = last with { At = message.Schedule.LatestUntil(now, next) };
                    await FireAsync(message, tick, stopping);
                    last = tick; // now, so that a tick whose message could not be sent is tried again: the channel keeps one of each
                    restAfterFailure = ShortestRest;
                    continue;
                }
                rest = RestBefore(next - now);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.RecurringFailed(logger, exception, message.Name, message.Channel);
                rest = restAfterFailure;
                restAfterFailure = Shorter(rest * 2, LongestRest);
            }
            await Task.Delay(rest, timeProvider, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>How long to rest before the clock is looked at again: half of what is left to the next tick, since clocks and timers drift apart.</summary>
    public static TimeSpan RestBefore(TimeSpan left) => Shorter(left, left / 2 > LongestRest ? LongestRest : left / 2 > ShortestRest ? left / 2 : ShortestRest);

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    // Ticks missed while no node ran are made up for, by the latest of them.
    private async ValueTask<RecurringTick> StartAsync(RecurringMessage message, DateTimeOffset now, CancellationToken stopping)
    {
        if (await LastFiredAsync(message, stopping) is { } last)
        {
            if (message.Schedule.NextAfter(last.At) <= now)
                Log.RecurringCaughtUp(logger, message.Name, last.At);
            return last;
        }
        // A new name catches nothing up; but from now on its ticks are missed when nobody is there.
        var first = new RecurringTick(now, Era: 0);
        await RememberAsync(message, first, stopping);
        return first;
    }

    // A clock that was set back comes to ticks a second time. To wait until it is where it was would be to stand still; so they are ticks of a new era.
    private async ValueTask<RecurringTick> FollowClockAsync(RecurringMessage message, RecurringTick last, DateTimeOffset now, CancellationToken stopping)
    {
        if (!IsSetBack(message, last, now))
            return last;
        // Another node may have noticed before. All come to the same number, so that of each tick one is kept.
        last = await LastFiredAsync(message, stopping) ?? last;
        if (!IsSetBack(message, last, now))
            return last;
        Log.RecurringClockSetBack(logger, message.Name, last.At, now);
        return new RecurringTick(now, last.Era + 1);
    }

    // By less than a tick is no matter: the next one comes when it would have come.
    private static bool IsSetBack(RecurringMessage message, RecurringTick last, DateTimeOffset now) => message.Schedule.NextAfter(now) < last.At;

    private async Task FireAsync(RecurringMessage message, RecurringTick tick, CancellationToken stopping)
    {
        await message.Send(sender, new SendOptions { DeduplicationId = tick.IdOf(message.Name), DeduplicationWindow = Window }, stopping);
        await RememberAsync(message, tick, stopping);
    }

    private async ValueTask RememberAsync(RecurringMessage message, RecurringTick tick, CancellationToken stopping)
    {
        if (backplane.Features.HasFlag(BackplaneFeatures.History))
            await backplane.PublishAsync(TopicOf(message), Encode(tick), Remembered, stopping);
    }

    private async ValueTask<RecurringTick?> LastFiredAsync(RecurringMessage message, CancellationToken stopping)
    {
        if (!backplane.Features.HasFlag(BackplaneFeatures.History))
            return null;
        var history = await backplane.ReadHistoryAsync(TopicOf(message), Position.None, limit: 1, stopping);
        return history.Messages is [var last] ? RecurringTick.Parse(Encoding.UTF8.GetString(EnvelopeFormat.Decode(last.Payload).Message.Body.Span)) : null;
    }

    private static Topic TopicOf(RecurringMessage message) => Topic.OfState("recurring." + message.Name);

    private static byte[] Encode(RecurringTick tick) =>
        EnvelopeFormat.Encode(new Envelope(new Message("runnel:tick", Encoding.UTF8.GetBytes(tick.ToString()))));
}
