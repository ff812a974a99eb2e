using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Hosting;
using Runnel.Workers;

namespace Runnel.Bench;

/// <summary>The child that handles: <c>chaos-worker ADDRESS FOLDER NAME</c>. It writes a line for each handler that went through, and is killed at any moment.</summary>
internal sealed class ChaosWorker(FileStream file)
{
    private const int BlockingWorks = 1_000;

    private readonly Lock _lock = new();

    public static Command CreateCommand()
    {
        var (address, folder, name) = (new Argument<string>("address"), new Argument<string>("folder"), new Argument<string>("name"));
        var command = new Command("chaos-worker", "Started by chaos.") { address, folder, name };
        command.Hidden = true;
        command.SetAction((result, cancellationToken) =>
            RunAsync(result.GetRequiredValue(address), result.GetRequiredValue(folder), result.GetRequiredValue(name), cancellationToken));
        return command;
    }

    private static async Task RunAsync(string address, string folder, string name, CancellationToken cancellationToken)
    {
        // Unbuffered: a line is the operating system's once it is written, and outlives the process.
        await using var file = new FileStream(ChaosFiles.HandledOf(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var worker = new ChaosWorker(file);
        using var host = ChaosHost.Create(address, works: true);
        host.MapChannel(ChaosHost.Channel, worker.HandleAsync, channel =>
        {
            channel.Retry.BaseDelay = TimeSpan.FromMilliseconds(20);
            channel.Retry.MaxDelay = TimeSpan.FromMilliseconds(100);
        });
        host.MapChannel(ChaosHost.LongChannel, worker.HandleLong);
        host.MapChannel(ChaosHost.HandoverChannel, worker.HandleHandoverAsync);
        await host.StartAsync(cancellationToken);
        await ControlLoop.RunAsync((_, _) => Task.FromResult<object>(true), cancellationToken);
        await host.StopAsync(CancellationToken.None);
    }

    private async Task HandleAsync(ChaosMessage message, JobContext job)
    {
        var began = Stopwatch.GetTimestamp();
        var late = message.Due == 0 ? 0 : TimeProvider.System.GetUtcNow().UtcTicks - message.Due;
        if (message.Fails && job.Attempt == 1)
            throw new InvalidOperationException("The first attempt fails.");
        await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        Write(new Execution(message.Number, message.Key, message.Sequence, began, late, job.Attempt, job.Crashes));
    }

    /// <summary>Holds its message for as many milliseconds as the number says, and every thread of the pool with it.</summary>
    private Task HandleLong(ChaosMessage message, JobContext job)
    {
        var (began, time) = (Stopwatch.GetTimestamp(), TimeSpan.FromMilliseconds(message.Number));
        using var never = new ManualResetEventSlim();
        for (var i = 0; i < BlockingWorks; i++)
            ThreadPool.UnsafeQueueUserWorkItem(static left => left.Wait(TimeSpan.FromMilliseconds(200)), new ManualResetEventSlim(), preferLocal: false);
        never.Wait(time, CancellationToken.None);
        Write(new Execution(message.Number, null, 0, began, 0, job.Attempt, job.Crashes));
        return Task.CompletedTask;
    }

    /// <summary>Holds its message until its process is killed; who gets it then has nothing to do.</summary>
    private Task HandleHandoverAsync(ChaosMessage message, JobContext job)
    {
        Write(new Execution(message.Number, null, 0, Stopwatch.GetTimestamp(), 0, job.Attempt, job.Crashes));
        return job.Crashes > 0 ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, job.CancellationToken);
    }

    private void Write(Execution execution)
    {
        var line = Encoding.ASCII.GetBytes(execution.ToString());
        lock (_lock)
            file.Write(line);
    }
}
