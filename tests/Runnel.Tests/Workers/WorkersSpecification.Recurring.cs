using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Fact]
    public async Task Of_all_processes_one_fires_per_tick_and_a_new_name_catches_nothing_up()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var fired = new Inbox<DateTimeOffset>();
        var start = Clock.GetUtcNow();
        await StartRecurringAsync(fired);
        var app = await StartRecurringAsync(fired);

        List<long> minutes = [];
        for (var tick = 0; tick < 4; tick++)
            minutes.Add((await TickAsync(fired, app)).Ticks / TimeSpan.TicksPerMinute);

        Assert.True(minutes[0] > start.Ticks / TimeSpan.TicksPerMinute);
        Assert.Equal(minutes.Distinct(), minutes);
    }

    [Fact]
    public async Task Ticks_missed_while_no_process_ran_are_made_up_for_by_one()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var fired = new Inbox<DateTimeOffset>();
        var app = await StartRecurringAsync(fired);
        await TickAsync(fired, app);
        await app.StopAsync();

        Clock.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(0, fired.Count);
        var again = Clock.GetUtcNow();
        var late = await StartRecurringAsync(fired);
        var caughtUp = await fired.NextAsync();
        var next = await AdvanceUntilAsync(fired.NextAsync(), TimeSpan.FromSeconds(30));

        Assert.Equal(again, caughtUp);
        Assert.True(next > again);
        Assert.Empty(app.Log.Of(3014)); // a new name catches nothing up
        Assert.StartsWith("The recurring message 'reconcile' missed ticks", Assert.Single(late.Log.Of(3014)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_tick_that_nobody_was_there_for_is_caught_up_too()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var fired = new Inbox<DateTimeOffset>();
        var app = await StartRecurringAsync(fired);
        await app.StopAsync();

        Clock.Advance(TimeSpan.FromMinutes(2));
        await StartRecurringAsync(fired);

        await fired.NextAsync();
    }

    [Fact]
    public async Task A_clock_that_is_set_forward_causes_one_tick_and_that_soon()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var fired = new Inbox<DateTimeOffset>();
        var app = await StartRecurringAsync(fired);
        await TickAsync(fired, app);

        Clock.Jump(TimeSpan.FromHours(5));
        var jumped = Clock.GetUtcNow();
        var soon = await AdvanceUntilAsync(fired.NextAsync(), Second); // a larger step would go past what is soon while the message is on its way
        var next = await TickAsync(fired, app);

        Assert.InRange(soon - jumped, TimeSpan.Zero, TimeSpan.FromSeconds(50));
        Assert.True(next.Ticks / TimeSpan.TicksPerMinute > soon.Ticks / TimeSpan.TicksPerMinute);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_stop_the_ticks_and_of_all_processes_one_fires_each()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var fired = new Inbox<DateTimeOffset>();
        WorkerApp[] apps = [await StartRecurringAsync(fired), await StartRecurringAsync(fired)];
        for (var tick = 0; tick < 3; tick++)
            await TickAsync(fired, apps[0]);

        Clock.Jump(TimeSpan.FromMinutes(-2.5)); // so that it comes to the same ticks again
        var jumped = Clock.GetUtcNow();
        List<DateTimeOffset> again = [];
        for (var tick = 0; tick < 4; tick++)
            again.Add(await TickAsync(fired, apps[0]));

        Assert.InRange(again[0] - jumped, TimeSpan.Zero, TimeSpan.FromMinutes(2));
        var minutes = again.ConvertAll(time => time.Ticks / TimeSpan.TicksPerMinute);
        Assert.Equal(minutes.Distinct(), minutes);
        Assert.Contains(apps, app => app.Log.Of(3031).Any(entry => entry.Text.Contains("the recurring message 'reconcile' goes on from there", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_recurring_message_that_nothing_here_consumes_is_refused_at_the_start()
    {
        if (await LacksAsync(services: Recurring))
            return;
        var unmapped = CreateHost(_ => { }, services: Recurring);
        var otherType = CreateHost(host => host.MapChannel("ticks", (Refund _) => { }), services: Recurring);
        var web = CreateHost(_ => { }, worker => worker.Enabled = false, Recurring);

        var first = await Assert.ThrowsAsync<InvalidOperationException>(unmapped.StartAsync);
        var second = await Assert.ThrowsAsync<InvalidOperationException>(otherType.StartAsync);
        await web.StartAsync(); // fires nothing

        Assert.StartsWith("The recurring message 'reconcile' goes to channel 'ticks', which has no consumer", first.Message, StringComparison.Ordinal);
        Assert.StartsWith("The recurring message 'reconcile' is of type 'pay', and channel 'ticks' has consumers for: refund.", second.Message, StringComparison.Ordinal);
    }

    private static void Recurring(IServiceCollection services) => services.AddRunnelCore().AddRecurring("reconcile", TimeSpan.FromMinutes(1), "ticks", new Pay("tick"));

    /// <summary>Moves the clock to just before the next tick, and little by little from there, until a message is handled and its tick remembered.</summary>
    /// <remarks>
    /// The message may be on its way for a while. With larger steps, the next tick would come meanwhile, or another process would take a reservation of the first for a
    /// lapsed one. So it would after the handler has run, if the clock moved on before the sender has marked the tick as sent, which it does before it remembers it.
    /// </remarks>
    private async Task<DateTimeOffset> TickAsync(Inbox<DateTimeOffset> fired, WorkerApp app)
    {
        var last = await RememberedAsync(app);
        var sinceLast = TimeSpan.FromTicks(Clock.GetUtcNow().Ticks % TimeSpan.TicksPerMinute);
        var handled = await AdvanceUntilAsync(fired.NextAsync(), Second, TimeSpan.FromMinutes(1) - sinceLast - Second, pace: TimeSpan.FromMilliseconds(300));
        await Wait.Until(async () => await RememberedAsync(app) != last, "the tick is remembered");
        return handled;
    }

    private static async Task<string?> RememberedAsync(WorkerApp app) =>
        await app.Services.GetRequiredService<IStateStore>().GetAsync("recurring.reconcile") is { } state ? Encoding.UTF8.GetString(state.Value.Span) : null;

    private async Task<WorkerApp> StartRecurringAsync(Inbox<DateTimeOffset> fired)
    {
        var app = await StartAsync(
            host => host.MapChannel("ticks", (Pay _) =>
            {
                fired.Add(Clock.GetUtcNow());
                return Task.CompletedTask;
            }),
            services: Recurring);
        // Not that a timer is armed: layers have timers, too.
        await Wait.Until(async () => await RememberedAsync(app) is not null, "it has remembered from when on it waits");
        return app;
    }
}
