namespace Runnel.Bench;

/// <summary>Counts the connections that have joined the group, since a client cannot see when that is so.</summary>
internal sealed class Membership
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private int _count;

    public void Join() => Interlocked.Increment(ref _count);

    public void Leave() => Interlocked.Decrement(ref _count);

    public async Task WaitForAsync(int count)
    {
        using var patience = new CancellationTokenSource(LongestWait, TimeProvider.System);
        while (Volatile.Read(ref _count) != count)
        {
            if (patience.IsCancellationRequested)
                throw new TimeoutException($"The group has {Volatile.Read(ref _count)} members after {LongestWait.TotalSeconds} s and should have {count}.");
            await Task.Delay(Glance, TimeProvider.System, CancellationToken.None);
        }
    }
}
