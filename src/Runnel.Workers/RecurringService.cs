using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Puts recurring messages on their channels. Every worker node does; of each tick, the deduplication of the channel keeps one.</summary>
/// <remarks>
/// When a tick fired last is the one message in the history of a topic. A node that starts and finds ticks missed since catches up one, no more.
/// </remarks>
internal sealed class RecurringService(
    IEnumerable<RecurringMessage> messages, IChannels channels, IBackplane backplane, IOptions<WorkerOptions> options, TimeProvider timeProvider, ILogger<RecurringService> logger) : BackgroundService
{
    private static readonly Retention Remembered = new(1, TimeSpan.FromDays(365));
    private static readonly TimeSpan Window = TimeSpan.FromHours(1); // nodes' clocks differ by less

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        options.Value.Enabled ? Task.WhenAll(messages.Select(message => RepeatAsync(message, stoppingToken))) : Task.CompletedTask;

    private async Task RepeatAsync(RecurringMessage message, CancellationToken stopping)
    {
        try
        {
            for (var after = await CatchUpAsync(message, stopping); message.Schedule.NextAfter(after) is { } next;)
            {
                await WaitUntilAsync(next, stopping);
                after = Latest(message, next);
                await FireAsync(message, after, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end of the loop.
        }
    }

    // Makes up for ticks missed while no node ran, by the latest of them, and answers after when to go on.
    private async Task<DateTimeOffset> CatchUpAsync(RecurringMessage message, CancellationToken stopping)
    {
        var now = timeProvider.GetUtcNow();
        try
        {
            if (!backplane.Features.HasFlag(BackplaneFeatures.History))
                return now;
            if (await LastFiredAsync(message, stopping) is not { } last)
            {
                // A new name catches nothing up; but from now on its ticks are missed when nobody is there.
                await backplane.PublishAsync(TopicOf(message), Encode(now), Remembered, stopping);
            }
            else if (message.Schedule.NextAfter(last) is { } missed && missed <= now)
            {
                Log.RecurringCaughtUp(logger, message.Name, last);
                await FireAsync(message, Latest(message, missed), stopping);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.RecurringFailed(logger, exception, message.Name, message.Channel);
        }
        return now;
    }

    // Of the ticks that have passed since this one (a laptop slept, the channel was full) the last stands for all.
    private DateTimeOffset Latest(RecurringMessage message, DateTimeOffset tick)
    {
        var now = timeProvider.GetUtcNow();
        while (message.Schedule.NextAfter(tick) is { } next && next <= now)
            tick = next;
        return tick;
    }

    private async Task WaitUntilAsync(DateTimeOffset tick, CancellationToken stopping)
    {
        // In portions: a clock that is set forwards is noticed, and a timer takes no more than 49 days.
        for (var left = tick - timeProvider.GetUtcNow(); left > TimeSpan.Zero; left = tick - timeProvider.GetUtcNow())
            await Task.Delay(left < Window ? left : Window, timeProvider, stopping);
    }

    private async Task FireAsync(RecurringMessage message, DateTimeOffset tick, CancellationToken stopping)
    {
        try
        {
            var id = $"recurring:{message.Name}:{tick.ToUnixTimeMilliseconds()}";
            await message.Send(channels, new SendOptions { DeduplicationId = id, DeduplicationWindow = Window }, stopping);
            if (backplane.Features.HasFlag(BackplaneFeatures.History))
                await backplane.PublishAsync(TopicOf(message), Encode(tick), Remembered, stopping);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.RecurringFailed(logger, exception, message.Name, message.Channel);
        }
    }

    private async Task<DateTimeOffset?> LastFiredAsync(RecurringMessage message, CancellationToken stopping)
    {
        var history = await backplane.ReadHistoryAsync(TopicOf(message), Position.None, limit: 1, stopping);
        return history.Messages is [var last]
            ? DateTimeOffset.Parse(Encoding.UTF8.GetString(EnvelopeFormat.Decode(last.Payload).Message.Body.Span), CultureInfo.InvariantCulture)
            : null;
    }

    private static Topic TopicOf(RecurringMessage message) => Topic.OfGroup("runnel.recurring." + message.Name);

    private static byte[] Encode(DateTimeOffset tick) =>
        EnvelopeFormat.Encode(new Envelope(new Message("runnel:tick", Encoding.UTF8.GetBytes(tick.ToString("O", CultureInfo.InvariantCulture)))));
}
