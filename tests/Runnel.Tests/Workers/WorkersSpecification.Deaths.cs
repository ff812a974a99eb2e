using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_message_that_a_worker_has_died_with_is_all_that_its_worker_holds_when_it_begins(int concurrency)
    {
        if (Lacks(WorkQueueFeatures.CountCrashes))
            return;
        var (mixed, held) = (new Inbox<long>(), new Inbox<long>());
        WorkerApp? app = null;
        app = CreateHost(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            var inFlight = (await app!.Operator.ListChannelsAsync()).Sum(status => status.InFlight);
            (job.Crashes > 0 ? held : mixed).Add(inFlight);
        }, options => options.Concurrency = concurrency));
        await EnqueueCrashedAsync(app, "payments", [1, 1, 1, 1, 2, 1, 1, 1, 1, 0]);

        await app.StartAsync();
        var together = await held.NextAsync(9);
        await mixed.NextAsync();

        Assert.All(together, count => Assert.Equal(1, count));
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task Messages_that_a_worker_has_died_with_run_one_at_a_time_on_all_channels_together()
    {
        if (Lacks(WorkQueueFeatures.CountCrashes))
            return;
        string[] channels = ["payments", "refunds", "mails"];
        var (most, now, handled) = (0, 0, new Inbox<string>());
        WorkerApp? app = null;
        app = CreateHost(host =>
        {
            foreach (var channel in channels)
            {
                host.MapChannel(channel, async (Pay _) =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref now));
                    await app!.Operator.ListChannelsAsync(); // so that the others have the time to begin
                    Interlocked.Decrement(ref now);
                    handled.Add(channel);
                });
            }
        });
        foreach (var channel in channels)
            await EnqueueCrashedAsync(app, channel, [1, 1, 1, 1, 1]);

        await app.StartAsync();
        await handled.NextAsync(15);

        Assert.Equal(1, most);
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task A_long_job_that_a_worker_has_died_with_does_not_keep_its_channel_to_itself()
    {
        if (Lacks(WorkQueueFeatures.CountCrashes))
            return;
        var (began, goOn) = (new Inbox<int>(), new TaskCompletionSource());
        var app = CreateHost(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            began.Add(job.Crashes);
            await goOn.Task;
        }));
        await EnqueueCrashedAsync(app, "payments", [2, 1, 0]);

        await app.StartAsync();
        var first = await began.NextAsync();
        var second = await AdvanceUntilAsync(began.NextAsync(), TimeSpan.FromSeconds(1));
        var third = await AdvanceUntilAsync(began.NextAsync(), TimeSpan.FromSeconds(1));
        goOn.SetResult();

        Assert.Equal([2, 1, 0], [first, second, third]);
        await NothingHeldAsync(app);
    }

    [Fact]
    public async Task A_job_whose_worker_dies_after_it_has_told_the_end_and_before_it_has_settled_the_message_runs_again_and_tells_another_end()
    {
        if (await LacksAsync(Track))
            return;
        var (again, goOn, dead) = (new Inbox<int>(), new TaskCompletionSource(), new TaskCompletionSource());
        WatchedQueue dying = null!;
        var dies = CreateHost(
            host => host.MapChannel("payments", (Pay _) => "the dead one's", Track),
            watch: queue => dying = new WatchedQueue(queue) { TellsOfLoss = false, Completing = dead.Task });
        var lives = CreateHost(host => host.MapChannel("payments", async (Pay _, JobContext job) =>
        {
            again.Add(job.Crashes);
            await goOn.Task;
            return "the living one's";
        }, Track));
        await dies.StartAsync();
        var sent = await lives.Channels.SendAsync("payments", new Pay("1"));
        var first = await StateAsync(lives, sent.Id, JobState.Succeeded);

        await CrashAsync(dying.Inner, dying.OwnLeases[0]);
        await lives.StartAsync();
        var crashes = await again.NextAsync();
        var meanwhile = await lives.Jobs.FindAsync(sent.Id);
        goOn.SetResult();
        var last = await StateAsync(lives, sent.Id, JobState.Succeeded);
        dead.SetResult();
        await NothingHeldAsync(lives);

        Assert.Equal(("the dead one's", "the living one's"), (first.Result!.Value.GetString(), last.Result!.Value.GetString()));
        Assert.Equal((JobState.Running, null), (meanwhile!.State, meanwhile.Result));
        Assert.Equal(Lacks(WorkQueueFeatures.CountCrashes) ? 0 : 1, crashes);
        Assert.Equal(0, again.Count);
    }

    /// <summary>As if so many workers had died with each of the messages.</summary>
    private async Task EnqueueCrashedAsync(WorkerApp app, ChannelName channel, int[] crashes) =>
        await app.Services.GetRequiredService<IWorkQueue>().EnqueueAsync(
            channel,
            [.. crashes.Select(count => new Envelope(new Message("pay", """{"order":"1"}"""u8.ToArray())) { Id = MessageId.New(Clock), Channel = channel, SentAt = Clock.GetUtcNow(), Crashes = count })],
            EnqueueOptions.Default);
}
