namespace Runnel.Specification;

/// <summary>Waiting in tests: for an event, bounded, with a sentence when it does not come.</summary>
public static class Wait
{
    /// <summary>The longest that any wait of a test takes: far more than a loaded machine needs, so that only a fault meets it.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Waits for a task, bounded.</summary>
    public static async Task<T> For<T>(Task<T> task, string what)
    {
        await For((Task)task, what);
        return await task;
    }

    /// <summary>Waits for a task, bounded.</summary>
    public static async Task For(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Limit);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited {Limit.TotalSeconds} s for {what}, in vain.");
        }
    }

    /// <summary>Waits for a condition that nothing announces, looking often; only for what has no event.</summary>
    public static Task Until(Func<bool> condition, string what) => Until(() => Task.FromResult(condition()), what);

    /// <summary>Waits for a condition that nothing announces and that takes asking, looking often.</summary>
    public static async Task Until(Func<Task<bool>> condition, string what)
    {
        var clock = TimeProvider.System;
        for (var began = clock.GetTimestamp(); !await condition();)
        {
            if (clock.GetElapsedTime(began) > Limit)
                throw new TimeoutException($"Waited {Limit.TotalSeconds} s until {what}, in vain.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), clock, CancellationToken.None);
        }
    }

    /// <summary>Waits until nobody keeps what these refer to. Make them in a method of their own, so that no local variable keeps it.</summary>
    public static Task UntilForgotten(params WeakReference[] references) => Until(
        () =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return !references.Any(static reference => reference.IsAlive);
        },
        "nobody keeps them");
}
