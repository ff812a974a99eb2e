using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Workers.Recurring;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Recurring messages on a layer that fails.</summary>
public sealed class RecurringTests
{
    [Fact]
    public async Task A_tick_whose_message_cannot_be_sent_is_tried_again_before_the_next_tick()
    {
        var clock = new ManualTimeProvider();
        var fired = new Inbox<DateTimeOffset>();
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock)) { FailingEnqueues = 1 };
        await using var app = new WorkerApp(
            new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("ticks", (Pay _) => fired.Add(clock.GetUtcNow())),
            services: services => services.AddRunnelCore().AddRecurring("nightly", TimeSpan.FromDays(1), "ticks", new Pay("tick")));
        await app.StartAsync();
        await AdvanceUntilAsync(() => !queue.Enqueued.IsEmpty, TimeSpan.FromMinutes(10));
        var failed = clock.GetUtcNow();

        await AdvanceUntilAsync(() => fired.Count > 0, TimeSpan.FromSeconds(1));

        Assert.InRange(await fired.NextAsync() - failed, TimeSpan.Zero, TimeSpan.FromHours(12));
        Assert.NotEmpty(app.Log.Of(3013));

        Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => Wait.Until(
            () =>
            {
                if (!condition())
                    clock.Advance(step);
                return condition();
            },
            "the clock has moved far enough");
    }

    [Fact]
    public async Task A_layer_that_does_not_tell_the_time_is_asked_after_longer_rests_and_after_short_ones_when_it_fails_again()
    {
        var clock = new ManualTimeProvider();
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock)) { FailingTimes = 3 };
        await using var app = new WorkerApp(
            new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("ticks", (Pay _) => { }),
            services: services => services.AddRunnelCore().AddRecurring("nightly", TimeSpan.FromDays(1), "ticks", new Pay("tick")));

        await app.StartAsync();
        await AdvanceUntilAsync(() => queue.TimesAsked >= 4);
        queue.FailingTimes = 1;
        await AdvanceUntilAsync(() => app.Log.Of(3033).Count() == 4);

        Assert.Equal(["00:00:01", "00:00:02", "00:00:04", "00:00:01"], app.Log.Of(3033).Select(static entry => entry.Text.TrimEnd('.').Split(' ')[^1]));

        Task AdvanceUntilAsync(Func<bool> condition) => Wait.Until(
            () =>
            {
                if (!condition())
                    clock.Advance(TimeSpan.FromSeconds(1));
                return condition();
            },
            "the clock has moved far enough");
    }

    [Fact]
    public async Task The_layer_is_asked_for_the_time_once_for_all_recurring_messages()
    {
        var clock = new ManualTimeProvider();
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock));
        await using var app = new WorkerApp(
            new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("ticks", (Pay _) => { }),
            services: services =>
            {
                for (var i = 0; i < 20; i++)
                    services.AddRunnelCore().AddRecurring($"nightly-{i}", TimeSpan.FromDays(i + 1), "ticks", new Pay("tick"));
            });

        await app.StartAsync();
        await Wait.Until(() => clock.ArmedTimers > 0, "they wait for the first tick");

        Assert.InRange(queue.TimesAsked, 1, 2);
    }

    [Fact]
    public async Task A_process_without_worker_sends_none()
    {
        var clock = new ManualTimeProvider();
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock));
        await using var app = new WorkerApp(
            new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("ticks", (Pay _) => { }), worker => worker.Enabled = false,
            services => services.AddRunnelCore().AddRecurring("often", TimeSpan.FromSeconds(1), "ticks", new Pay("tick")));

        await app.StartAsync();
        await Wait.For(app.Services.GetServices<IHostedService>().OfType<RecurringService>().Single().ExecuteTask!, "it to have nothing to do");

        Assert.Equal(0, queue.TimesAsked);
    }

    [Fact]
    public async Task One_whose_channel_takes_nothing_holds_up_no_other()
    {
        var clock = new ManualTimeProvider();
        var (fired, first, goOn) = (new Inbox<string>(), 0, new TaskCompletionSource());
        var queue = new WatchedQueue(new InMemoryWorkQueue(clock)) { OnEnqueue = () => Interlocked.Increment(ref first) == 1 ? goOn.Task : Task.CompletedTask };
        await using var app = new WorkerApp(
            new InMemoryBackplane(clock), queue, clock, host => host.MapChannel("ticks", (Pay pay) => fired.Add(pay.Order)),
            services: services => services.AddRunnelCore()
                .AddRecurring("one", TimeSpan.FromMinutes(1), "ticks", new Pay("one"))
                .AddRecurring("other", TimeSpan.FromMinutes(1), "ticks", new Pay("other")));
        await app.StartAsync();

        await Wait.Until(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(10));
                return fired.Count >= 2;
            },
            "the other one has sent a second message");
        var orders = await fired.NextAsync(2);
        goOn.SetResult();

        Assert.Single(orders.Distinct());
    }
}
