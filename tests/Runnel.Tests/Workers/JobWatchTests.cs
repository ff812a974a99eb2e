using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>How the watch of a job ends whose end nobody could tell.</summary>
public sealed class JobWatchTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;
    private readonly WatchedBackplane _backplane;
    private readonly WorkerApp _app;

    public JobWatchTests()
    {
        _queue = new InMemoryWorkQueue(_clock);
        _backplane = new WatchedBackplane(new InMemoryBackplane(_clock));
        _app = new WorkerApp(_backplane, _queue, _clock, host => host.MapChannel("payments", (Pay _) => { }, options => (options.Track, options.JobRetention) = (true, TimeSpan.FromMinutes(10))));
    }

    [Fact]
    public async Task A_watch_ends_when_the_state_of_its_job_is_no_longer_kept()
    {
        var sent = await _app.Channels.SendAsync("payments", new Pay("1"));
        await using var states = _app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        await states.MoveNextAsync();
        var first = states.Current;
        var next = states.MoveNextAsync().AsTask();

        await _queue.CancelAsync("payments", sent.Id); // by a process that ended before it could tell
        await AdvanceUntilAsync(() => next.IsCompleted);

        Assert.Equal(JobState.Queued, first.State);
        Assert.False(await next);
    }

    [Fact]
    public async Task A_watch_goes_on_when_the_layer_was_away()
    {
        var sent = await _app.Channels.SendAsync("payments", new Pay("1"));
        await using var states = _app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        await states.MoveNextAsync();
        var next = states.MoveNextAsync().AsTask();

        _backplane.FailingReads = 1;
        await AdvanceUntilAsync(() => _backplane.FailingReads <= 0);
        await _app.StartAsync();
        var last = states.Current;
        while (await Wait.For(next, "the next state"))
        {
            last = states.Current;
            next = states.MoveNextAsync().AsTask();
        }

        Assert.Equal(JobState.Succeeded, last.State);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task AdvanceUntilAsync(Func<bool> condition) => Wait.Until(
        () =>
        {
            if (!condition())
                _clock.Advance(TimeSpan.FromSeconds(30));
            return condition();
        },
        "the clock has moved far enough");
}
