using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Recurring;

/// <summary>Puts recurring messages on their channels. Every worker node does; of each tick, the deduplication of the channel keeps one.</summary>
/// <remarks>
/// Ticks go by the layer's clock, which all nodes share; one look at it serves all messages. When a tick fired last is remembered. A node that finds ticks missed
/// since (no node ran, the clock was set forward, the layer was away) catches up one, no more.
/// </remarks>
internal sealed class RecurringService(
    IEnumerable<RecurringMessage> messages,
    ChannelRegistry registry,
    ChannelSender sender,
    IWorkQueue queue,
    IStateStore states,
    IOptions<WorkerOptions> options,
    TimeProvider timeProvider,
    ILogger<RecurringService> logger) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var message in options.Value.Enabled ? messages : [])
            ThrowIfNotConsumed(message);
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<RecurringTicker> tickers = options.Value.Enabled ? [.. messages.Select(message => new RecurringTicker(message, sender, states, timeProvider, logger))] : [];
        var restAfterFailure = RecurringRest.Shortest;
        while (tickers.Count > 0 && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                var now = await queue.GetTimeAsync(stoppingToken);
                restAfterFailure = RecurringRest.Shortest;
                foreach (var ticker in tickers)
                    ticker.Look(now, stoppingToken);
                await RestAsync(tickers, stoppingToken);
                tickers.RemoveAll(static ticker => ticker.HasEnded);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.RecurringClockAway(logger, exception, restAfterFailure);
                await Task.Delay(restAfterFailure, timeProvider, stoppingToken).ContinueWith(static _ => { }, TaskScheduler.Default);
                restAfterFailure = RecurringRest.Longer(restAfterFailure);
            }
            catch (Exception)
            {
                break; // the application stops
            }
        }
        await Task.WhenAll(tickers.Select(ticker => ticker.Looking)).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    // Until the first of them wants another look, or one that was at it is done.
    private async Task RestAsync(List<RecurringTicker> tickers, CancellationToken stopping)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var looking = tickers.Select(static ticker => ticker.Looking).Where(static looking => !looking.IsCompleted).ToList(); // before their rests are read, which those have that are done
        var rest = tickers.Min(static ticker => ticker.Rest) ?? Timeout.InfiniteTimeSpan;
        await Task.WhenAny([Task.Delay(rest, timeProvider, over.Token), .. looking]);
        await over.CancelAsync();
    }

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
}
