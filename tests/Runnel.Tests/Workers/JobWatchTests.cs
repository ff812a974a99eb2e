using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
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
    public async Task A_watch_notices_within_a_minute_that_the_clock_was_set()
    {
        var sent = await _app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Expiry = TimeSpan.FromHours(1) });
        await using var states = _app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        await states.MoveNextAsync();
        var next = states.MoveNextAsync().AsTask();
        await Wait.Until(() => _clock.ArmedTimers > 0, "it waits");

        _clock.Jump(TimeSpan.FromMinutes(65)); // the state is kept for 70
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.True(await Wait.For(next, "the next state"));
        Assert.Equal(JobState.Dead, states.Current.State);
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

    [Fact]
    public async Task A_watch_goes_on_when_the_history_of_its_job_began_anew()
    {
        var goOn = new TaskCompletionSource();
        var backplane = new ForgetfulBackplane(_clock);
        await using var app = new WorkerApp(backplane, _queue, _clock, host => host.MapChannel("payments", (Pay _) => goOn.Task, options => options.Track = true));
        await app.StartAsync();
        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        await using var states = app.Jobs.WatchAsync(sent.Id).GetAsyncEnumerator();
        while (states.Current is not { State: JobState.Running })
            await Wait.For(states.MoveNextAsync().AsTask(), "the job to run");

        backplane.Forget();
        goOn.SetResult();

        Assert.True(await Wait.For(states.MoveNextAsync().AsTask(), "the next state"));
        Assert.Equal(JobState.Succeeded, states.Current.State);
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

    /// <summary>A backplane that loses what it holds, as a Redis does that is restarted empty; who subscribes goes on hearing it.</summary>
    private sealed class ForgetfulBackplane(TimeProvider clock) : IBackplane
    {
        private readonly InMemoryBackplane _before = new(clock), _after = new(clock);
        private volatile bool _hasForgotten;

        public BackplaneFeatures Features => Present.Features;

        public BackplaneState State => Present.State;

        private InMemoryBackplane Present => _hasForgotten ? _after : _before;

        public event Action<BackplaneState>? StateChanged
        {
            add => _before.StateChanged += value;
            remove => _before.StateChanged -= value;
        }

        public void Forget() => _hasForgotten = true;

        public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) =>
            Present.PublishAsync(topic, payload, retention, cancellationToken);

        public async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
        {
            await _after.SubscribeAsync(topic, listener, cancellationToken);
            return await _before.SubscribeAsync(topic, listener, cancellationToken);
        }

        public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
            Present.ReadHistoryAsync(topic, after, limit, cancellationToken);
    }
}
