using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Testing;
using Runnel.Tests.Workers;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Toy;

/// <summary>A layer that remembers nothing, with a SQLite file for what has to be remembered, makes an application that follows jobs, deduplicates and repeats messages.</summary>
public sealed class ToyWithSqliteStateTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("runnel-").FullName;
    private readonly Inbox<string> _handled = new();
    private readonly TaskCompletionSource _goOn = new();
    private IHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddRunnelCore().UseLayer("toy:").UseSqliteState(Path.Combine(_folder, "states.db")).AddRunnelWorkers()
            .AddRecurring("often", TimeSpan.FromMilliseconds(100), "ticks", new Pay("tick"));
        _host = builder.Build();
        _host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            await job.ReportAsync(0.5, "Half way");
            await _goOn.Task;
            _handled.Add(pay.Order);
        }, options => (options.Track, options.Deduplicate, options.Ordered, options.Cancellable) = (true, true, true, true));
        _host.MapChannel("ticks", (Pay pay) => _handled.Add(pay.Order));
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Wait.For(_host.StopAsync(), "the application to stop");
        await ((IAsyncDisposable)_host).DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_job_is_followed_to_its_end_by_code_and_by_the_members_of_its_group()
    {
        var (channels, jobs) = (_host.Services.GetRequiredService<IChannels>(), _host.Services.GetRequiredService<IJobs>());
        var sent = await channels.SendAsync("payments", new Pay("1"));
        await using var probe = await GroupProbe.JoinAsync(_host.Services, JobStatus.GroupOf(sent.Id));
        await Wait.Until(async () => await jobs.FindAsync(sent.Id) is { Progress: 0.5 }, "the job is half way");

        _goOn.SetResult();
        var last = await Wait.For(jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end");

        Assert.Equal(JobState.Succeeded, last.State);
        await Wait.Until(() => probe.Count > 0, "the group sees a state");
    }

    [Fact]
    public async Task A_job_that_waits_on_a_queue_that_takes_nothing_back_is_cancelled_when_its_turn_comes_and_those_behind_it_are_handled()
    {
        var (channels, jobs) = (_host.Services.GetRequiredService<IChannels>(), _host.Services.GetRequiredService<IJobs>());
        var first = await channels.SendAsync("payments", new Pay("first"), new SendOptions { Key = "k" });
        await Wait.Until(async () => await jobs.FindAsync(first.Id) is { Progress: 0.5 }, "the first one runs");
        var unwanted = await channels.SendAsync("payments", new Pay("unwanted"), new SendOptions { Key = "k" });
        var last = await channels.SendAsync("payments", new Pay("last"), new SendOptions { Key = "k" });

        Assert.False(await jobs.CancelAsync("payments", unwanted.Id));
        _goOn.SetResult();

        Assert.Equal(JobState.Cancelled, (await Wait.For(jobs.WatchAsync(unwanted.Id).LastAsync().AsTask(), "the end of the unwanted one")).State);
        Assert.Equal(JobState.Succeeded, (await Wait.For(jobs.WatchAsync(last.Id).LastAsync().AsTask(), "the end of the last one")).State);
        Assert.Equal(("first", "last"), (await NextOrderAsync(), await NextOrderAsync()));

        async Task<string> NextOrderAsync()
        {
            string order;
            do
                order = await _handled.NextAsync();
            while (order == "tick");
            return order;
        }
    }

    [Fact]
    public async Task Of_two_messages_with_one_deduplication_id_one_is_handled()
    {
        _goOn.SetResult();
        var channels = _host.Services.GetRequiredService<IChannels>();
        var once = new SendOptions { DeduplicationId = "order-1", Key = "k" };

        var first = await channels.SendAsync("payments", new Pay("1"), once);
        var second = await channels.SendAsync("payments", new Pay("2"), once);

        Assert.Equal((false, true), (first.IsDuplicate, second.IsDuplicate));
    }

    [Fact]
    public async Task A_recurring_message_ticks_and_its_last_tick_is_remembered()
    {
        await _handled.NextAsync(2);

        Assert.NotNull(await _host.Services.GetRequiredService<IStateStore>().GetAsync("recurring.often"));
    }
}
