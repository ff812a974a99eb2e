using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>How long a message waits that nothing keeps waiting, and how late one comes that was to wait.</summary>
internal static class Latencies
{
    public const int PerSecond = 1_000;
    private const int DelayedPerSecond = 600;
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(2);

    /// <summary>From the call that sends a message to its handler: one message each millisecond, and nothing else to do.</summary>
    public static async Task<Lateness> StartAsync(QueueStore store, int seconds, CancellationToken cancellationToken)
    {
        var messages = seconds * PerSecond;
        var (handled, figures) = (new Countdown(messages), new LatenessRecorder());
        await using var host = await QueueHost.CreateAsync(store, (BenchWork work) =>
        {
            figures.Record(Stopwatch.GetElapsedTime(work.At));
            return handled.Signal();
        }, cancellationToken);
        await host.StartWorkerAsync(cancellationToken);
        await EachMillisecondAsync(
            messages, () => host.Channels.SendAsync(QueueHost.Channel, BenchWork.Create(Stopwatch.GetTimestamp()), cancellationToken: cancellationToken).AsTask(), cancellationToken);
        await handled.WaitAsync(cancellationToken);
        await host.StopWorkerAsync();
        return figures.Result;
    }

    /// <summary>Sends one message each millisecond, after the one before is stored.</summary>
    public static async Task EachMillisecondAsync(int messages, Func<Task> send, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < messages; i++)
        {
            // Late ones are not made up for: two at once would be another measurement.
            if (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMilliseconds(i))
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
            await send();
        }
    }

    /// <summary>From when a message is due to its handler: 600 messages due each second.</summary>
    public static Task<Lateness> DelaysAsync(QueueStore store, int seconds, CancellationToken cancellationToken) =>
        DueAsync(store, seconds * DelayedPerSecond, number => TimeSpan.FromSeconds((double)number / DelayedPerSecond), cancellationToken);

    /// <summary>From when 10,000 messages are due at once to the handler of the last one.</summary>
    public static Task<Lateness> BurstAsync(QueueStore store, CancellationToken cancellationToken) =>
        DueAsync(store, 10_000, _ => TimeSpan.Zero, cancellationToken);

    private static async Task<Lateness> DueAsync(QueueStore store, int messages, Func<int, TimeSpan> after, CancellationToken cancellationToken)
    {
        var (clock, handled, figures) = (TimeProvider.System, new Countdown(messages), new LatenessRecorder());
        await using var host = await QueueHost.CreateAsync(store, (BenchWork work) =>
        {
            figures.Record(TimeSpan.FromTicks(clock.GetUtcNow().UtcTicks - work.At));
            return handled.Signal();
        }, cancellationToken);
        await host.StartWorkerAsync(cancellationToken);
        var first = clock.GetUtcNow() + Ahead;
        await Callers.RunAsync(Rates.ManyCallers, messages, async number =>
        {
            var due = first + after(number);
            await host.Channels.SendAsync(QueueHost.Channel, BenchWork.Create(due.UtcTicks), new SendOptions { NotBefore = due }, cancellationToken);
        });
        if (clock.GetUtcNow() > first)
            throw new BenchException($"Storing {messages} delayed messages took longer than {Ahead}, so they were late before they were stored.");
        await handled.WaitAsync(cancellationToken);
        await host.StopWorkerAsync();
        return figures.Result;
    }
}
