using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a worker does with a message that a worker has died with, and with those beside it.</summary>
public sealed class WorkerDeathTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly InMemoryWorkQueue _queue;
    private readonly WorkerApps _apps = new();

    public WorkerDeathTests() => (_backplane, _queue) = (new(_clock), new(_clock));

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public async Task What_kills_its_workers_takes_nothing_along_that_was_only_waiting_behind_it(int crashLimit)
    {
        const int Innocent = 20;
        var (poisoned, handled) = (new Inbox<int>(), new Inbox<(string Order, int Crashes)>());
        var watched = new WatchedQueue(_queue);
        var app = await StartAsync(
            watched,
            host => host.MapChannel("payments", async (Pay pay, JobContext job, CancellationToken token) =>
            {
                if (pay.Order != "poison")
                {
                    handled.Add((pay.Order, job.Crashes));
                    return;
                }
                poisoned.Add(job.Crashes);
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
            }, options => options.Concurrency = 1),
            worker => worker.CrashLimit = crashLimit);
        await app.Channels.SendAsync("payments", new Pay("short")); // so that more is taken than runs
        await handled.NextAsync();
        await app.Channels.SendManyAsync("payments", [new Pay("poison"), .. Enumerable.Range(0, Innocent).Select(number => new Pay($"{number}"))]);

        for (var crash = 0; crash < crashLimit; crash++)
        {
            Assert.Equal(crash, await poisoned.NextAsync());
            var inFlight = crash == 0 && crashLimit > 1 ? Innocent + 1 : 1;
            await Wait.Until(async () => (await _queue.ListChannelsAsync()).Sum(status => status.InFlight) == inFlight, "the worker holds what it keeps");
            _queue.Crash(watched.Leases[^1].WorkerId);
        }
        var innocent = await handled.NextAsync(Innocent);

        Assert.Equal(Enumerable.Range(0, Innocent).Select(number => $"{number}"), innocent.Select(message => message.Order));
        Assert.All(innocent, message => Assert.InRange(message.Crashes, 0, 1));
        var dead = Assert.Single(await app.Operator.ListDeadLettersAsync("payments", DeadLetterFilter.All, 100));
        Assert.Equal((DeadLetterReason.WorkerDied, crashLimit, 0), (dead.Reason, dead.Envelope.Crashes, dead.Envelope.Attempt));
    }

    [Fact]
    public async Task Nothing_waits_behind_a_message_that_a_worker_has_died_with()
    {
        const int Innocent = 20;
        var (poisoned, handled) = (new Inbox<(WatchedQueue Holder, int Crashes)>(), new Inbox<int>());
        var over = new TaskCompletionSource();
        WatchedQueue[] workers = [new(_queue), new(_queue)];
        foreach (var worker in workers)
        {
            await StartAsync(worker, host => host.MapChannel("payments", async (Pay pay, JobContext job, CancellationToken token) =>
            {
                if (pay.Order != "poison")
                {
                    handled.Add(job.Crashes);
                    return;
                }
                poisoned.Add((worker, job.Crashes));
                await over.Task.WaitAsync(token);
            }, options => options.Concurrency = 1));
        }
        var sent = 0;
        await Wait.Until(
            async () =>
            {
                await _apps[0].Channels.SendAsync("payments", new Pay("short"));
                await handled.NextAsync();
                sent++;
                return workers.All(worker => worker.Asked.LastOrDefault() > Innocent);
            },
            "both workers ask for more than they can run");
        await Wait.Until(() => workers.Sum(worker => worker.Receiving) == sent + workers.Length, "both wait for messages");
        await _apps[0].Channels.SendManyAsync("payments", [new Pay("poison"), .. Enumerable.Range(0, Innocent).Select(number => new Pay($"{number}"))]);
        var first = await poisoned.NextAsync();

        _queue.Crash(first.Holder.Leases[0].WorkerId);
        var second = await poisoned.NextAsync();
        var innocent = await handled.NextAsync(Innocent);
        over.SetResult();

        Assert.NotSame(first.Holder, second.Holder); // the one that had been asking for more
        Assert.Equal(1, second.Crashes);
        Assert.All(innocent, crashes => Assert.Equal(1, crashes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_worker_has_died_with_begins_when_the_others_are_given_back_or_cannot_be(bool canBe)
    {
        const int Others = 5;
        var (handled, asked, landed) = (new Inbox<(bool IsLanded, int Crashes)>(), new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue)
        {
            OnAbandon = () =>
            {
                asked.Add(1);
                return landed.Task;
            },
        };
        await EnqueueAsync("payments", Others + 1);
        await StartAsync(watched, host => host.MapChannel("payments", (Pay _, JobContext job) => handled.Add((landed.Task.IsCompleted, job.Crashes)), options => options.Concurrency = Others + 1));
        await asked.NextAsync(Others);
        var next = handled.NextAsync();

        if (canBe)
            landed.SetResult();
        else
            await _clock.MoveUntil(TimeSpan.FromSeconds(1), () => next.IsCompleted, "it begins all the same");
        var first = await next;
        landed.TrySetResult();
        var rest = await handled.NextAsync(Others);

        Assert.Equal((canBe, 1), first);
        Assert.All(rest, message => Assert.Equal((true, 1), message));
    }

    [Fact]
    public async Task A_worker_that_stops_while_it_gives_back_what_must_not_share_a_crash_begins_nothing()
    {
        var (began, asked, landed) = (new Inbox<int>(), new Inbox<int>(), new TaskCompletionSource());
        var watched = new WatchedQueue(_queue)
        {
            OnAbandon = () =>
            {
                asked.Add(1);
                return landed.Task;
            },
        };
        await EnqueueAsync("payments", 2);
        var app = await StartAsync(watched, host => host.MapChannel("payments", (Pay _, JobContext job) => began.Add(job.Crashes), options => options.Concurrency = 2));
        await asked.NextAsync();

        var stopping = app.StopAsync();
        await asked.NextAsync(); // what was to run alone is given back, too
        landed.SetResult();
        await Wait.For(stopping, "the worker to stop");

        Assert.Equal(0, began.Count);
        Assert.Equal((2, 0), (await _queue.ListChannelsAsync()).Select(status => (status.Ready, status.InFlight)).Single());
    }

    // As if a worker had died with each of the messages.
    private async Task EnqueueAsync(ChannelName channel, int count) => await _queue.EnqueueAsync(
        channel,
        [.. Enumerable.Range(0, count).Select(_ => new Envelope(new Message("pay", """{"order":"1"}"""u8.ToArray())) { Id = MessageId.New(_clock), Channel = channel, SentAt = _clock.GetUtcNow(), Crashes = 1 })],
        EnqueueOptions.Default);

    private Task<WorkerApp> StartAsync(IWorkQueue queue, Action<IHost> map, Action<WorkerOptions>? worker = null) => _apps.StartAsync(new(_backplane, queue, _clock, map, worker));
}
