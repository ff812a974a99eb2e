using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Runnel.Workers.Jobs;

/// <summary>Publishes the final states that could not be published in time, one after the other, as soon as the layer takes them: a page must not wait for an end that never comes.</summary>
internal sealed class LateStateService(JobStore store, TimeProvider timeProvider, ILogger<LateStateService> logger) : BackgroundService
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var late in store.Late.ReadAllAsync(stoppingToken))
                await PublishAsync(late, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends, and what could not be published is lost.
        }
        while (store.Late.TryRead(out var late))
            Lose(late);
    }

    private async Task PublishAsync(LateState late, CancellationToken stopping)
    {
        while (timeProvider.GetUtcNow() - late.Status.UpdatedAt < late.Retention)
        {
            try
            {
                await store.PublishUnlessLaterAsync(late, stopping);
                return;
            }
            catch (Exception) when (!stopping.IsCancellationRequested)
            {
                await Task.Delay(Rest, timeProvider, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
            catch (Exception)
            {
                break;
            }
        }
        Lose(late);
    }

    private void Lose(LateState late)
    {
        WorkerMetrics.StateLost();
        Log.StateLost(logger, late.Id, late.Status.State);
    }
}
