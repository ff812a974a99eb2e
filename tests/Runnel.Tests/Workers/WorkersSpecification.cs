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
    private readonly List<WorkerApp> _apps = [];

    /// <summary>The clock of the layer, and of all processes but those whose clock is wrong.</summary>
    protected ManualTimeProvider Clock { get; } = new();

    /// <summary>Opens the layer for one more process; all of a test share what it holds.</summary>
    protected abstract (IBackplane Backplane, IWorkQueue Queue) OpenLayer();

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
            await app.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected WorkerApp CreateHost(
        Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null, TimeSpan wrongBy = default)
    {
        var (backplane, queue) = OpenLayer();
        var app = new WorkerApp(backplane, queue, new WrongClock(Clock, wrongBy), map, worker, services);
        _apps.Add(app);
        return app;
    }

    private protected async Task<WorkerApp> StartAsync(Action<IHost> map, Action<WorkerOptions>? worker = null, Action<IServiceCollection>? services = null)
    {
        var app = CreateHost(map, worker, services);
        await app.StartAsync();
        return app;
    }

    /// <summary>Moves the clock, step after step, until something has happened.</summary>
    private protected async Task<T> AdvanceUntilAsync<T>(Task<T> task, TimeSpan step)
    {
        await Wait.Until(
            async () =>
            {
                if (!task.IsCompleted)
                    Clock.Advance(step);
                await Task.WhenAny(task, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System)); // what fell due takes its time on a disk
                return task.IsCompleted;
            },
            "the clock has moved far enough");
        return await task;
    }

    private protected static void RetryAtOnce(ChannelOptions options) => options.Retry = new RetryPolicy { MaxAttempts = 3, BaseDelay = TimeSpan.Zero };

    private protected static void Track(ChannelOptions options)
    {
        options.Track = true;
        options.Cancellable = true;
        options.Retry.BaseDelay = TimeSpan.Zero;
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
