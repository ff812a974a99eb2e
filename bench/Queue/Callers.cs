namespace Runnel.Bench;

/// <summary>Several callers, each of which waits for one call before it makes the next.</summary>
internal static class Callers
{
    public static Task RunAsync(int callers, int calls, Func<int, Task> call)
    {
        var last = -1;
        return Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            for (var next = Interlocked.Increment(ref last); next < calls; next = Interlocked.Increment(ref last))
                await call(next);
        })));
    }
}
