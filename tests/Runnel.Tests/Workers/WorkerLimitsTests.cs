using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>How much runs at once, and how much is taken.</summary>
public sealed class WorkerLimitsTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;
    private readonly WatchedQueue _watched;
    private readonly WorkerApps _apps = new();

    public WorkerLimitsTests()
    {
        _backplane = new(_clock);
        _queue = new(_clock);
        _watched = new(_queue);
    }

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Fact]
    public async Task A_channel_runs_no_more_at_once_than_its_limit()
    {
        var (most, now, handled) = (0, 0, new Inbox<int>());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay _) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await Task.Yield();
            Interlocked.Decrement(ref now);
            handled.Add(1);
        }, options => options.Concurrency = 3));

        await app.Channels.SendManyAsync("payments", Enumerable.Range(0, 500).Select(number => new Pay($"{number}")));
        await handled.NextAsync(500);

        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task All_channels_together_run_no_more_at_once_than_the_worker_has_threads_and_a_quiet_one_gets_its_turn()
    {
        var (most, now, handled) = (0, 0, new Inbox<string>());
        WorkerApp? app = null;
        app = CreateHost(
            host =>
            {
                host.MapChannel("busy", HandleAsync);
                host.MapChannel("quiet", HandleAsync);
            },
            worker => worker.Threads = 2);
        await app.Channels.SendManyAsync("busy", Enumerable.Repeat(new Pay("busy"), 2000));
        await app.Channels.SendAsync("quiet", new Pay("quiet"));

        await app.StartAsync();
        await handled.NextAsync();

        Assert.InRange(most, 1, 2);

        async Task HandleAsync(Pay pay)
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await Task.Yield();
            // The busy channel never runs dry: whoever waits for that waits for ever.
            if (pay.Order == "busy")
                await app!.Channels.SendAsync("busy", pay);
            Interlocked.Decrement(ref now);
            if (pay.Order == "quiet")
                handled.Add(pay.Order);
        }
    }

    [Fact]
    public async Task A_channel_that_waits_for_a_thread_gets_one_before_another_has_run_all_that_it_has_taken()
    {
        const int Taken = 100;
        var (began, steps) = (new Inbox<string>(), new SemaphoreSlim(0));
        async Task HandleAsync(Pay pay)
        {
            began.Add(pay.Order);
            if (pay.Order == "step")
                await steps.WaitAsync();
        }
        var app = await StartAsync(
            host =>
            {
                host.MapChannel("busy", HandleAsync);
                host.MapChannel("quiet", HandleAsync);
            },
            worker => worker.Threads = 1);
        await Wait.Until(
            async () =>
            {
                await app.Channels.SendAsync("busy", new Pay("short")); // so that more is taken than runs
                await began.NextAsync();
                return _watched.Asked.Any(count => count > Taken);
            },
            "the worker asks for more than it can run");
        await app.Channels.SendManyAsync("busy", Enumerable.Repeat(new Pay("step"), Taken));
        await began.NextAsync();
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == Taken, "the worker has taken all of them");
        await app.Channels.SendAsync("quiet", new Pay("quiet"));
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == Taken + 1, "the worker has taken the quiet one");

        // The quiet one may come for its thread late: the busy one does not run dry meanwhile, so that the quiet one would wait for ever if it had to wait for that.
        await Wait.Until(
            async () =>
            {
                await app.Channels.SendAsync("busy", new Pay("step"));
                steps.Release();
                return await began.NextAsync() == "quiet";
            },
            "the quiet one has its turn");
        var left = (await _queue.ListChannelsAsync()).Single(status => status.Channel.Value == "busy").InFlight;
        steps.Release(Taken);

        Assert.InRange(left, 1, long.MaxValue);
    }

    [Fact]
    public async Task A_worker_asks_for_no_more_than_it_has_threads()
    {
        await StartAsync(host => host.MapChannel("payments", (Pay _) => { }), worker => worker.Threads = 2);

        await Wait.Until(() => !_watched.Asked.IsEmpty, "it asks for messages");

        Assert.Equal(2, _watched.Asked.First());
    }

    [Fact]
    public async Task A_worker_takes_ahead_only_while_handlers_are_short()
    {
        var began = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) =>
        {
            if (pay.Order == "long")
                _clock.Advance(TimeSpan.FromMinutes(1));
            began.Add(pay.Order);
            return Task.CompletedTask;
        }, options => options.Concurrency = 2));

        await Wait.Until(() => _watched.Asked.Contains(2), "it asks for what it can run, at first");
        await UntilAskedAsync("short", asked => asked.Any(count => count > 100), "it asks for more when handlers are short");
        await UntilAskedAsync("long", asked => asked.Last() <= 2, "it asks for what it can run when they are long");

        // It asks anew when it has got something.
        async Task UntilAskedAsync(string order, Func<IEnumerable<int>, bool> isMeant, string what) => await Wait.Until(
            async () =>
            {
                await app.Channels.SendAsync("payments", new Pay(order));
                await began.NextAsync();
                return isMeant(_watched.Asked);
            },
            what);
    }

    [Fact]
    public async Task A_worker_that_waits_for_the_layer_to_settle_takes_more_when_it_has()
    {
        const int MaxUnsettled = 2048, Count = 2 * MaxUnsettled;
        var (handled, settles) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _watched.Completing = settles.Task;
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) =>
        {
            Interlocked.Increment(ref handled);
            return Task.CompletedTask;
        }));
        await app.Channels.SendManyAsync("payments", Enumerable.Range(0, Count).Select(static number => new Pay($"{number}")));
        await Wait.Until(() => Volatile.Read(ref handled) >= MaxUnsettled && app.RunningJobs == 0, "it has handled what it has taken");
        Assert.InRange(handled, MaxUnsettled, Count - 1);

        settles.SetResult();

        await Wait.Until(() => Volatile.Read(ref handled) == Count, "the rest is handled");
    }

    [Fact]
    public async Task What_waits_behind_a_handler_that_turns_out_to_be_long_goes_to_another_worker()
    {
        var began = new Inbox<string>();
        var goOn = new TaskCompletionSource();
        void Map(IHost host) => host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "long")
                await goOn.Task;
        }, options => options.Concurrency = 1);
        var app = await StartAsync(Map);
        await app.Channels.SendAsync("payments", new Pay("short"));
        await began.NextAsync();
        await app.Channels.SendAsync("payments", new Pay("long"));
        await began.NextAsync();
        await app.Channels.SendManyAsync("payments", [new Pay("a"), new Pay("b"), new Pay("c")]);
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == 4, "the first worker has all");
        await StartAsync(Map);

        List<string> elsewhere = [];
        while (elsewhere.Count < 3)
        {
            var next = began.NextAsync();
            await _clock.MoveUntil(TimeSpan.FromMilliseconds(500), () => next.IsCompleted, "another worker begins one");
            elsewhere.Add(await next);
        }
        goOn.SetResult();

        Assert.Equal(["a", "b", "c"], elsewhere.Order());
    }

    [Fact]
    public async Task What_waits_is_given_back_also_if_a_handler_has_finished_before_the_long_one_began()
    {
        var (began, goOn, end) = (new Inbox<string>(), new TaskCompletionSource(), new TaskCompletionSource());
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            await (pay.Order switch { "first" => goOn.Task, "long" => end.Task, _ => Task.CompletedTask });
        }, options => options.Concurrency = 1));
        foreach (var order in new[] { "short", "first" }) // so that more is taken than runs
        {
            await app.Channels.SendAsync("payments", new Pay(order));
            await began.NextAsync();
        }
        await app.Channels.SendManyAsync("payments", [new Pay("long"), new Pay("a"), new Pay("b")]);
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == 4, "the worker has all");

        goOn.SetResult();
        Assert.Equal("long", await began.NextAsync());
        await Wait.Until(
            async () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(500));
                return (await _queue.ListChannelsAsync()).Sum(status => status.Ready) == 2;
            },
            "what waits behind it is given back");

        end.SetResult();
    }

    [Fact]
    public async Task A_handler_that_ignores_the_loss_of_its_lease_goes_on_taking_its_thread()
    {
        var (most, now, began, stuck) = (0, 0, new Inbox<int>(), new TaskCompletionSource());
        var app = await StartAsync(
            host => host.MapChannel("payments", async (Pay _, JobContext job) =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref now));
                began.Add(job.Crashes);
                await stuck.Task; // ignores its token
                Interlocked.Decrement(ref now);
            }),
            worker => worker.Threads = 1);
        await app.Channels.SendAsync("payments", new Pay("1"));
        await began.NextAsync();

        _queue.Crash(_watched.Leases[0].WorkerId);
        await _clock.MoveUntil(TimeSpan.FromMilliseconds(500), () => _watched.Opened.Count == 2, "the worker has begun anew");
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == 1, "it has taken the message again");
        for (var look = 0; look < 100; look++)
            await _queue.ListChannelsAsync(); // so that it has the time to begin
        stuck.SetResult();

        Assert.Equal(1, await began.NextAsync());
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Only_what_the_patterns_name_is_taken()
    {
        var handled = new Inbox<string>();
        Task Handle(Pay pay)
        {
            handled.Add(pay.Order);
            return Task.CompletedTask;
        }
        var app = await StartAsync(
            host =>
            {
                foreach (var channel in new[] { "pay.cards", "pay.debit", "mail" })
                    host.MapChannel(channel, Handle);
            },
            worker =>
            {
                worker.OnlyChannels.Add("pay.*");
                worker.ExcludeChannels.Add("*debit");
            });

        foreach (var channel in new[] { "mail", "pay.debit", "pay.cards" })
            await app.Channels.SendAsync(channel, new Pay(channel));

        Assert.Equal("pay.cards", await handled.NextAsync());
        Assert.Equal(["pay.cards"], app.Services.GetRequiredService<WorkerSelection>().Selected.Select(name => name.Value));
        await Wait.Until(async () => (await app.Operator.ListChannelsAsync()).Select(status => status.Channel.Value).SequenceEqual(["mail", "pay.debit"]), "the others wait");
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = most; value > seen && Interlocked.CompareExchange(ref most, value, seen) != seen;)
            seen = most;
    }

    private WorkerApp CreateHost(Action<IHost> map, Action<WorkerOptions>? worker = null) => _apps.Add(new(_backplane, _watched, _clock, map, worker));

    private Task<WorkerApp> StartAsync(Action<IHost> map, Action<WorkerOptions>? worker = null) => _apps.StartAsync(new(_backplane, _watched, _clock, map, worker));
}
