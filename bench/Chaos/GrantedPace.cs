namespace Runnel.Bench;

/// <summary>Lets a producer send at a steady rate.</summary>
internal sealed class GrantedPace : IAsyncDisposable
{
    private const int TimesPerSecond = 20;

    private readonly CancellationTokenSource _ending = new();
    private readonly Task _granting;

    public GrantedPace(ChaosProducers producers, int perSecond) => _granting = GrantAsync(producers, perSecond / TimesPerSecond);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _granting;
        _ending.Dispose();
    }

    private async Task GrantAsync(ChaosProducers producers, int portion)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1) / TimesPerSecond, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
                await producers.GrantAsync(portion, CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }
}
