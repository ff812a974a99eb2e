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
            await CatchUpAsync(message, stopping);
            for (var now = timeProvider.GetUtcNow(); message.Schedule.NextAfter(now) is { } tick; now = tick)
            {
                await WaitUntilAsync(tick, stopping);
                await FireAsync(message, tick, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end of the loop.
        }
    }

    private async Task CatchUpAsync(RecurringMessage message, CancellationToken stopping)
    {
        try
        {
            if (!backplane.Features.HasFlag(BackplaneFeatures.History) || await LastFiredAsync(message, stopping) is not { } last)
                return;
            var now = timeProvider.GetUtcNow();
            DateTimeOffset? missed = null;
            for (var tick = message.Schedule.NextAfter(last); tick <= now; tick = message.Schedule.NextAfter(tick.Value))
                missed = tick;
            if (missed is null)
                return;
            Log.RecurringCaughtUp(logger, message.Name, last);
            await FireAsync(message, missed.Value, stopping);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.RecurringFailed(logger, exception, message.Name, message.Channel);
        }
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
