using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Handlers whose time is up.</summary>
public sealed class WorkerTimeoutTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(100);

    private readonly ManualTimeProvider _clock = new();
    private readonly Inbox<int> _began = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task One_whose_worker_stops_after_its_time_was_up_has_used_up_an_attempt()
    {
        var (queue, backplane) = (new InMemoryWorkQueue(_clock), new InMemoryBackplane(_clock));
        await using var stops = new WorkerApp(backplane, queue, _clock, Map, static worker => worker.ShutdownGrace = Grace);
        await using var next = new WorkerApp(backplane, queue, _clock, Map);
        await stops.StartAsync();
        await stops.Channels.SendAsync("payments", new Pay("1"));
        await _began.NextAsync();

        _clock.Advance(TimeSpan.FromSeconds(10));
        var stopping = stops.StopAsync();
        await AdvanceUntilAsync(() => stops.Log.Of(3012).Any(), Grace / 10); // the worker waits a second longer
        _goOn.SetResult();
        await Wait.For(stopping, "the worker to stop");
        await next.StartAsync();
        await AdvanceUntilAsync(() => _began.Count > 0, TimeSpan.FromSeconds(1));

        Assert.Equal(2, await _began.NextAsync());
    }

    private void Map(IHost host) => host.MapChannel(
        "payments",
        async (Pay _, JobContext job, CancellationToken token) =>
        {
            _began.Add(job.Attempt);
            await _goOn.Task;
            if (job.Attempt == 1)
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
        },
        options => options.Timeout = TimeSpan.FromSeconds(10));

    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => Wait.Until(
        () =>
        {
            if (!condition())
                _clock.Advance(step);
            return condition();
        },
        "the clock has moved far enough");
}
