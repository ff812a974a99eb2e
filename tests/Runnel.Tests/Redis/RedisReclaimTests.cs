using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What becomes of messages that Redis takes for a worker's, and the worker does not hold.</summary>
public sealed class RedisReclaimTests : IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly RedisPlace _place;
    private readonly RedisChannel _channel;
    private readonly RedisStore _store;
    private readonly RedisWorkQueue _queue;

    public RedisReclaimTests(RedisServer server)
    {
        _place = new RedisPlace(server, _time);
        _store = _place.Open();
        _queue = new RedisWorkQueue(_store);
        _channel = new RedisChannel("work", _store);
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task They_are_handed_out_again_and_processes_elsewhere_hear_of_them()
    {
        await using var worker = await OpenAsync();
        await EnqueueAsync(3);
        await TakeAsync(worker, 3);

        Assert.Equal(2, await ReclaimAsync(worker, Claims(worker)[..1]));

        await Wait.Until(() => _place.Probe.Exists(_channel.Keys.Bell), "the bell is rung"); // this process may hear it first, and rings it again
        var status = Assert.Single(await _queue.ListChannelsAsync());
        Assert.Equal((2, 1), (status.Ready, status.InFlight));
        Assert.Equal(0, await ReclaimAsync(worker, Claims(worker)));
    }

    [Fact]
    public async Task What_the_worker_does_not_know_yet_is_on_its_way_to_it()
    {
        await using var worker = await OpenAsync();
        await EnqueueAsync(2);
        await TakeAsync(worker, 1);
        var known = Assert.Single(Claims(worker));
        await TakeAsync(worker, 1);

        Assert.Equal(1, await ReclaimAsync(worker, [], lastStep: known.Split('.')[0]));

        Assert.DoesNotContain(known, Claims(worker));
        Assert.Single(Claims(worker));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(ushort.MaxValue, ushort.MaxValue)]
    public async Task They_keep_their_attempts_count_a_crash_and_expire_no_more(int crashes, int crashesThen)
    {
        await using var worker = await OpenAsync();
        await EnqueueAsync(1, message => message with { Crashes = crashes, ExpiresAt = _time.GetUtcNow().AddMinutes(1) });
        Assert.True(await worker.AbandonAsync(Assert.Single(await TakeAsync(worker, 1)), new AbandonOptions()));
        await TakeAsync(worker, 1);

        Assert.Equal(1, await ReclaimAsync(worker, []));

        _time.Advance(TimeSpan.FromMinutes(2));
        var again = Assert.Single(await TakeAsync(worker, 1)).Envelope;
        Assert.Equal((1, crashesThen, null), (again.Attempt, again.Crashes, again.ExpiresAt));
    }

    [Fact]
    public async Task A_server_that_refuses_to_write_when_it_takes_over_is_told_what_the_worker_holds_as_soon_as_it_writes()
    {
        await using var worker = await OpenAsync();
        await EnqueueAsync(1);
        var message = Assert.Single(await TakeAsync(worker, 1));
        _place.Probe.Ask("COPY", ClaimsOf(worker), "saved");
        Assert.True(await worker.CompleteAsync(message));
        _place.Probe.Ask("RENAME", "saved", ClaimsOf(worker)); // it lacks what the worker settled last

        _place.Probe.ForgetCommandCalls();
        _place.Probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS
        _place.Probe.Ask("DEBUG", "CHANGE-REPL-ID");
        _store.Commands.Break();
        await Wait.Until(() => Refusals() > 2, "it refuses this, too, and not only to be noted");
        _place.Probe.Configure("min-replicas-to-write", "0");

        Assert.Equal(message.Envelope.Id, Assert.Single(await TakeAsync(worker, 1)).Envelope.Id);
        await Wait.Until(() => _place.Log.Of(4031).Any(), "it is told to write again");

        long Refusals() => _place.Probe.Info("errorstats").TryGetValue("errorstat_NOREPLICAS", out var count) ? long.Parse(count["count=".Length..], null) : 0;
    }

    [Fact]
    public async Task A_worker_that_has_left_is_forgotten()
    {
        var left = await LeaveAsync();

        await Wait.UntilForgotten(left);

        async Task<WeakReference> LeaveAsync()
        {
            var worker = await OpenAsync();
            await worker.DisposeAsync();
            return new WeakReference(worker);
        }
    }

    private async Task<IWorkReceiver> OpenAsync() => await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });

    private async Task EnqueueAsync(int count, Func<Envelope, Envelope>? change = null) => await _queue.EnqueueAsync(
        "work", [.. Enumerable.Range(0, count).Select(_ => new Envelope(new Message("do", default)) { Id = MessageId.New(_time) }).Select(change ?? (static message => message))], EnqueueOptions.Default);

    private static async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(IWorkReceiver worker, int count)
    {
        var taken = await Wait.For(worker.ReceiveAsync("work", count).AsTask(), "messages");
        Assert.Equal(count, taken.Count);
        return taken;
    }

    // As Redis names them.
    private string[] Claims(IWorkReceiver worker) => [.. _place.Probe.Texts("HKEYS", ClaimsOf(worker))];

    private string ClaimsOf(IWorkReceiver worker) => Assert.Single(_channel.Keys.All, static key => key.EndsWith("claims:", StringComparison.Ordinal)) + worker.WorkerId;

    private async Task<long> ReclaimAsync(IWorkReceiver worker, string[] held, string lastStep = "1000")
    {
        var writer = _channel.Begin(RedisScript.Reclaim, arguments: 3 + held.Length);
        foreach (var argument in (string[])[worker.WorkerId, "0", lastStep, .. held])
            writer.Add(argument);
        var answer = (await _store.Commands.ExecuteAsync(writer.Written)).Items;
        Assert.Equal("0", answer[1].ToString());
        return answer[0].AsNumber();
    }
}
