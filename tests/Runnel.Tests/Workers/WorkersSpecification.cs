using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What workers promise on whatever layer (design.md 6). Time stands still until a test moves it.</summary>
public abstract partial class WorkersSpecification : IAsyncLifetime
{
    private readonly WorkerApps _apps = new();
    private (IBackplane Backplane, IWorkQueue Queue)? _opened;

    /// <summary>The clock of the layer, and of all processes but those whose clock is wrong.</summary>
    protected ManualTimeProvider Clock { get; } = new();

    /// <summary>Whether the queue's delays go by <see cref="Clock"/>. Where a broker counts them, a test waits for a short one, or reports that it shows nothing.</summary>
    protected virtual bool MovesDelays => true;

    /// <summary>Opens the layer for one more process; all of a test share what it holds.</summary>
    protected abstract (IBackplane Backplane, IWorkQueue Queue) OpenLayer();

    /// <summary>Kills a worker of a queue from <see cref="OpenLayer"/> as kill -9 would, and returns when the layer has noticed.</summary>
    protected abstract Task CrashAsync(IWorkQueue queue, IWorkReceiver lease);

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await _apps.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected WorkerApp CreateHost(
        Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null, TimeSpan wrongBy = default, Func<IWorkQueue, IWorkQueue>? watch = null)
    {
        var (backplane, queue) = _opened ?? OpenLayer();
        _opened = null;
        return _apps.Add(new(backplane, watch?.Invoke(queue) ?? queue, new WrongClock(Clock, wrongBy), map, worker, services));
    }

    private protected async Task<WorkerApp> StartAsync(Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null)
    {
        var app = CreateHost(map, worker, services);
        await app.StartAsync();
        return app;
    }

    /// <summary>Whether the layer lacks what an application declares. If so, such an application is refused when it starts, and the test's result reports it.</summary>
    private async Task<bool> LacksAsync(Action<ChannelOptions>? declare = null, Action<IServiceCollection>? services = null)
    {
        var (backplane, queue) = _opened ??= OpenLayer();
        var declared = new ChannelOptions();
        declare?.Invoke(declared);
        var remembers = backplane.Features.HasFlag(BackplaneFeatures.History);
        var lacking = declared switch
        {
            { Track: true } when !remembers => nameof(ChannelOptions.Track),
            { Deduplicate: true } when !remembers && !queue.Features.HasFlag(WorkQueueFeatures.Deduplicate) => nameof(ChannelOptions.Deduplicate),
            { Cancellable: true } when !remembers && !queue.Features.HasFlag(WorkQueueFeatures.Cancel) => nameof(ChannelOptions.Cancellable),
            { Ordered: true } when !queue.Features.HasFlag(WorkQueueFeatures.KeyOrder) => nameof(ChannelOptions.Ordered),
            _ => services is not null && !remembers ? "recurring messages" : null,
        };
        if (lacking is null)
            return false;

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(CreateHost(host => host.MapChannel("ticks", (Pay _) => { }, declare), services: services).StartAsync);
        NotPromised.Note(lacking, refusal);
        return true;
    }

    /// <summary>Whether the layer lacks something without which workers only do less, so that there is nothing to refuse. The test's result reports it.</summary>
    private bool Lacks(Enum feature)
    {
        var (backplane, queue) = _opened ??= OpenLayer();
        if (feature is BackplaneFeatures ? backplane.Features.HasFlag(feature) : queue.Features.HasFlag(feature))
            return false;
        NotPromised.Note($"{feature}");
        return true;
    }

    /// <summary>Whether the queue's delays have to be waited for, so that a test about long ones shows nothing. The test's result reports it.</summary>
    private bool WaitsForDelays()
    {
        if (!MovesDelays)
            NotPromised.NotShown("its broker counts delays, by a clock that no test can move. WorkQueueSpecification waits for short ones.");
        return !MovesDelays;
    }

    /// <summary>For how long a message stays away: a long time where the clock is moved, and one that can be waited for where it is not.</summary>
    private TimeSpan Away(TimeSpan time) => MovesDelays ? time : TimeSpan.FromMilliseconds(250);

    /// <summary>Moves the clock, step after step, until something has happened.</summary>
    /// <param name="task">What is to happen.</param>
    /// <param name="step">How far the clock moves at once.</param>
    /// <param name="first">How far it moves at first, if that is farther: to a time at which nothing may have happened.</param>
    /// <param name="pace">For how long what a step made due has time before the next step.</param>
    private protected async Task<T> AdvanceUntilAsync<T>(Task<T> task, TimeSpan step, TimeSpan first = default, TimeSpan? pace = null)
    {
        var next = first > step ? first : step;
        await Wait.Until(
            async () =>
            {
                if (!task.IsCompleted)
                    Clock.Advance(next);
                next = step;
                await Task.WhenAny(task, Task.Delay(pace ?? TimeSpan.FromMilliseconds(200), TimeProvider.System)); // what fell due takes its time on a disk
                return task.IsCompleted;
            },
            "the clock has moved far enough");
        return await task;
    }

    private protected static void RetryAtOnce(ChannelOptions options) => options.Retry = new RetryPolicy { MaxAttempts = 3, BaseDelay = TimeSpan.Zero };

    private protected static void Track(ChannelOptions options)
    {
        options.Track = true;
        options.Retry.BaseDelay = TimeSpan.Zero;
    }

    private protected static void Cancellable(ChannelOptions options)
    {
        Track(options);
        options.Cancellable = true;
    }

    private protected static async Task<DeadLetter> DeadLetterAsync(WorkerApp app, ChannelName channel)
    {
        IReadOnlyList<DeadLetter> letters = [];
        await Wait.Until(async () => (letters = await app.Operator.ListDeadLettersAsync(channel, DeadLetterFilter.All, 10)).Count > 0, "there is a dead letter");
        return Assert.Single(letters);
    }

    private protected static Task<JobStatus> StateAsync(WorkerApp app, MessageId id, JobState state) => StateAsync(app, id, status => status.State == state, state.ToString());

    private protected static async Task<JobStatus> StateAsync(WorkerApp app, MessageId id, Func<JobStatus, bool> isMeant, string what)
    {
        JobStatus? status = null;
        await Wait.Until(async () => (status = await app.Jobs.FindAsync(id)) is not null && isMeant(status), $"the job is {what}");
        return status!;
    }

    private protected static Task NothingHeldAsync(WorkerApp app) =>
        Wait.Until(async () => (await app.Operator.ListChannelsAsync()).Count == 0, "the layer holds nothing");
}
