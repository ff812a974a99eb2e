using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>Publishes the final states that could not be published in time, as soon as the layer takes them: a page must not wait for an end that never comes.</summary>
/// <remarks>When the application stops, it tries each once more. What it cannot publish then is lost, and counted.</remarks>
internal sealed class LateStateService(JobStore store, TimeProvider timeProvider, ILogger<LateStateService> logger) : BackgroundService
{
    private const int MostAtOnce = 64;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastTry = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
                await PublishNextAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await PublishLastAsync();
        }
    }

    // One that fails goes behind the others, so that it is not in their way.
    private async Task PublishNextAsync(CancellationToken stopping)
    {
        var late = await store.Late.TakeAsync(stopping);
        try
        {
            await store.PublishUnlessLaterAsync(late, stopping);
            store.Late.Done(late);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            store.Late.PutBack(late);
        }
        catch (Exception exception) when (IsOfLayer(exception) && timeProvider.GetUtcNow() - late.Status.UpdatedAt < late.Retention)
        {
            store.Late.PutBack(late);
            await Task.Delay(Rest, timeProvider, stopping);
        }
        catch (Exception exception)
        {
            Lose(late, exception);
        }
    }

    private async Task PublishLastAsync()
    {
        using var over = new CancellationTokenSource(LastTry, timeProvider);
        await Parallel.ForEachAsync(store.Late.TakeAll(), new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce }, async (late, _) =>
        {
            try
            {
                over.Token.ThrowIfCancellationRequested();
                await store.PublishUnlessLaterAsync(late, over.Token).AsTask().WaitAsync(over.Token);
                store.Late.Done(late);
            }
            catch (Exception exception)
            {
                Lose(late, exception);
            }
        });
    }

    // A layer that is away comes back. Anything else would fail again, such as a state that cannot be read.
    private static bool IsOfLayer(Exception exception) => exception is BackplaneUnavailableException or IOException;

    private void Lose(LateState late, Exception exception)
    {
        store.Late.Done(late);
        WorkerMetrics.StateLost();
        Log.StateLost(logger, exception, late.Id, late.Status.State);
    }
}
