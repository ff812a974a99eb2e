using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Running;

/// <summary>The worker of this process: holds the lease, and owns one listener per channel.</summary>
internal sealed class WorkerService(
    ChannelRegistry registry,
    WorkerSelection selection,
    IWorkQueue queue,
    IBackplane backplane,
    ConsumedChannels consumed,
    JobStore store,
    IServiceProvider services,
    IOptions<WorkerOptions> options,
    IOptions<RunnelOptions> runnel,
    TimeProvider timeProvider,
    IHostApplicationLifetime lifetime,
    ILogger<WorkerService> logger) : BackgroundService
{
    private const int MaxPrefetch = 512;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly JsonSerializerOptions _reading = StrictJson.Of(runnel.Value.Json);

    /// <summary>What runs now.</summary>
    internal RunningJobs Running { get; } = new(timeProvider);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        registry.Close();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var channels = selection.Selected;
        if (channels.Count == 0)
        {
            Log.WorkerIdle(logger);
            return;
        }
        Log.WorkerTakes(logger, string.Join(", ", channels.Select(name => $"'{name}'")));
        // One for all leases: handlers that ignore the loss of theirs go on counting.
        // It leaves while the node's connections close, and not after them: a process has one time to stop.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        stoppingToken = leaving.Token;
        var threads = options.Value.Threads is { } count ? new SemaphoreSlim(count) : null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var cancelling = await backplane.SubscribeAsync(JobFollower.CancelTopic, OnCancelRequest, stoppingToken);
                await consumed.RememberAsync(channels, stoppingToken);
                await WorkAsync(channels, threads, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.WorkerFailed(logger, exception, Rest);
                await Task.Delay(Rest, timeProvider, stoppingToken).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    // One lease's life: until the worker stops, or the lease is lost.
    private async Task WorkAsync(IReadOnlyList<ChannelName> channels, SemaphoreSlim? threads, CancellationToken stopping)
    {
        var hardStop = new CancellationTokenSource(); // not disposed: handlers that ignore the loss of the lease outlive this
        await using var receiver = await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = options.Value.LeaseDuration }, stopping);
        var limits = new JobLimits(runnel.Value.Json, _reading, receiver.Lost, hardStop.Token);
        var suspects = new SemaphoreSlim(1); // not disposed either, and one for all channels: a death costs all of them
        var listeners = channels.Select(name => Listen(registry.Find(name)!, receiver, limits, threads, suspects)).ToList();

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, receiver.Lost);
        var areLost = await Task.WhenAll(listeners.Select(listener => listener.ReceiveAsync(ending.Token)));
        var isLost = receiver.Lost.IsCancellationRequested || areLost.Contains(true);
        if (isLost)
            Log.LeaseLost(logger, receiver.WorkerId);
        await LeaveAsync(listeners, hardStop, isLost ? TimeSpan.Zero : options.Value.ShutdownGrace);
    }

    private ChannelListener Listen(ChannelDefinition channel, IWorkReceiver receiver, JobLimits limits, SemaphoreSlim? threads, SemaphoreSlim suspects)
    {
        var rule = new HandlingRule(channel.Options.Retry.MaxAttempts, options.Value.CrashLimit);
        var runner = new JobRunner(channel, rule, queue, receiver, limits, Running, store, services, options.Value, timeProvider, logger);
        // More than there are threads could not run, and would be kept from other workers.
        var concurrency = Math.Min(channel.Options.Concurrency, options.Value.Threads ?? int.MaxValue);
        // Where one death of a worker is too many, nothing is taken that only waits: it would share the fate of what runs.
        var prefetch = options.Value.CrashLimit > 1 ? MaxPrefetch : 0;
        return new ChannelListener(channel.Name, concurrency, prefetch, receiver, runner, threads, suspects, timeProvider, logger);
    }

    private async Task LeaveAsync(List<ChannelListener> listeners, CancellationTokenSource hardStop, TimeSpan grace)
    {
        var idle = Task.WhenAll(listeners.Select(listener => listener.WaitUntilIdleAsync()));
        try
        {
            await idle.WaitAsync(grace, timeProvider);
            return;
        }
        catch (TimeoutException)
        {
            if (listeners.Sum(listener => listener.Running) is > 0 and var running)
                Log.GraceIsOver(logger, running, grace);
        }
        await hardStop.CancelAsync();
        try
        {
            await idle.WaitAsync(Rest, timeProvider);
        }
        catch (TimeoutException)
        {
            // Handlers that ignore their token. Their messages go back with the lease, and what they settle later is refused.
            if (listeners.Sum(listener => listener.Unsettled) is > 0 and var unsettled)
                Log.LayerDoesNotConfirm(logger, unsettled);
        }
    }

    private void OnCancelRequest(BackplaneMessage message)
    {
        try
        {
            Running.Cancel(EnvelopeFormat.Decode(message.Payload).Id);
        }
        catch (FormatException)
        {
            // No request of any version known here.
        }
    }
}
