namespace Runnel.Bench;

/// <summary>Waits until as many messages have been handled as there are.</summary>
internal sealed class Countdown(int count)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left = count;

    /// <summary>One message is handled: the whole of a handler that does nothing.</summary>
    public Task Signal()
    {
        if (Interlocked.Decrement(ref _left) == 0)
            _done.SetResult();
        return Task.CompletedTask;
    }

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _done.Task.WaitAsync(Patience, TimeProvider.System, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new BenchException($"{_left} messages were not handled within {Patience}.");
        }
    }
}
