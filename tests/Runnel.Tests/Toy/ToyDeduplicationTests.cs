using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Toy;

/// <summary>Deduplication on a queue that does not know duplicates: the ids are reserved where states are kept.</summary>
public sealed class ToyDeduplicationTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;
    private readonly InMemoryBackplane _backplane;
    private readonly WatchedQueue _watched;
    private readonly WatchedStates _states;
    private readonly WorkerApp _app;

    public ToyDeduplicationTests()
    {
        _queue = new InMemoryWorkQueue(_clock);
        _watched = new WatchedQueue(new ToyWorkQueue(_queue));
        _backplane = new InMemoryBackplane(_clock);
        _states = new WatchedStates(new HistoryStateStore(_backplane, _clock));
        _app = Create(_watched, _clock, _states);
    }

    private static SendOptions Once => new() { DeduplicationId = "order 7", DeduplicationWindow = TimeSpan.FromMinutes(10) };

    [Fact]
    public async Task Of_many_who_send_the_same_id_at_once_one_s_message_is_stored()
    {
        var sending = Task.WhenAll(Enumerable.Range(0, 20).Select(number => Task.Run(async () => await _app.Channels.SendAsync("payments", new Pay($"{number}"), Once))));

        // Who finds the id reserved looks again in a moment. The reservation lasts for much longer.
        await _clock.MoveUntil(TimeSpan.FromMilliseconds(20), () => sending.IsCompleted, "all have sent");
        var sent = await sending;

        Assert.Equal(1, sent.Count(one => !one.IsDuplicate));
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task The_ids_of_one_channel_are_not_those_of_another()
    {
        var one = await _app.Channels.SendAsync("payments", new Pay("1"), Once);
        var other = await _app.Channels.SendAsync("patient", new Pay("1"), Once);

        Assert.Equal((false, false), (one.IsDuplicate, other.IsDuplicate));
    }

    [Fact]
    public async Task An_id_is_free_again_when_its_window_has_ended()
    {
        var first = await _app.Channels.SendManyAsync("payments", [new Pay("1"), new Pay("2")], Once);
        var early = await _app.Channels.SendAsync("payments", new Pay("3"), Once);
        _clock.Advance(TimeSpan.FromMinutes(11));

        var late = await _app.Channels.SendAsync("payments", new Pay("4"), Once);

        Assert.Equal([false, true, true, false], [first[0].IsDuplicate, first[1].IsDuplicate, early.IsDuplicate, late.IsDuplicate]);
        Assert.Equal(2, await CountAsync());
    }

    public static TheoryData<Exception> Refusals => [new ChannelFullException("payments", 1), new MessageTooLargeException("The message", 2, 1), new ArgumentException("It has no id."), new NotSupportedException("It knows no keys.")];

    public static TheoryData<Exception> UnknownOutcomes => [new IOException("The answer was lost."), new OperationCanceledException("It took too long.")];

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public async Task A_message_that_is_refused_does_not_keep_its_id(Exception refusal)
    {
        _watched.OnEnqueue = () => Task.FromException(refusal);
        Assert.Same(refusal, await Assert.ThrowsAnyAsync<Exception>(async () => await _app.Channels.SendAsync("payments", new Pay("1"), Once)));
        _watched.OnEnqueue = static () => Task.CompletedTask;

        var again = await Wait.For(_app.Channels.SendAsync("payments", new Pay("1"), Once).AsTask(), "the message to be stored");

        Assert.False(again.IsDuplicate);
    }

    [Theory]
    [MemberData(nameof(UnknownOutcomes), DisableDiscoveryEnumeration = true)]
    public async Task A_message_that_may_be_stored_keeps_its_id_until_the_reservation_lapses(Exception failure)
    {
        _watched.OnEnqueue = () => Task.FromException(failure);
        await Assert.ThrowsAnyAsync<Exception>(async () => await _app.Channels.SendAsync("payments", new Pay("1"), Once));
        _watched.OnEnqueue = static () => Task.CompletedTask;

        var began = _clock.GetUtcNow();
        var again = _app.Channels.SendAsync("payments", new Pay("1"), Once).AsTask();
        await MoveUntilAsync(() => again.IsCompleted, "the reservation has lapsed");

        Assert.False((await again).IsDuplicate);
        Assert.True(_clock.GetUtcNow() - began >= TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Whatever_the_store_of_states_throws_afterwards_the_sender_is_told_what_became_of_the_message()
    {
        _states.FailsToSettle = true;

        var sent = await _app.Channels.SendAsync("payments", new Pay("1"), Once);
        _watched.OnEnqueue = static () => Task.FromException(new ChannelFullException("payments", 1));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await _app.Channels.SendAsync("payments", new Pay("2"), Once with { DeduplicationId = "order 8" }));

        Assert.False(sent.IsDuplicate);
        Assert.Equal(1, await CountAsync());
        Assert.Equal(2, _app.Log.Of(3032).Count());
    }

    [Fact]
    public async Task While_another_sender_is_at_it_the_second_waits_and_stores_the_message_if_the_first_one_dies()
    {
        var goOn = new TaskCompletionSource();
        _watched.OnEnqueue = () => goOn.Task;
        var stopped = _app.Channels.SendAsync("payments", new Pay("1"), Once).AsTask();
        await Wait.Until(() => !_watched.Enqueued.IsEmpty, "the first has reserved the id");
        _watched.OnEnqueue = static () => Task.CompletedTask;

        var second = _app.Channels.SendAsync("payments", new Pay("1"), Once).AsTask();
        await MoveUntilAsync(() => second.IsCompleted, "the reservation has lapsed");

        Assert.False((await second).IsDuplicate);
        goOn.SetResult(); // it was only slow, and so there are two copies
        Assert.False((await stopped).IsDuplicate);
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task Of_two_senders_whose_clocks_differ_by_more_than_a_reservation_lasts_each_may_store_its_message()
    {
        var (goOn, ahead) = (new TaskCompletionSource(), new WrongClock(_clock, TimeSpan.FromMinutes(1)));
        await using var other = Create(new ToyWorkQueue(_queue), ahead, new HistoryStateStore(_backplane, ahead));
        _watched.OnEnqueue = () => goOn.Task;
        var first = _app.Channels.SendAsync("payments", new Pay("1"), Once).AsTask();
        await Wait.Until(() => !_watched.Enqueued.IsEmpty, "the first has reserved the id");

        var second = await Wait.For(other.Channels.SendAsync("payments", new Pay("1"), Once).AsTask(), "the second message to be stored");
        goOn.SetResult();

        Assert.Equal((false, false), ((await first).IsDuplicate, second.IsDuplicate));
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task While_a_sender_waits_for_room_its_id_stays_reserved_for_as_long_as_it_may_wait()
    {
        var (room, once) = (new TaskCompletionSource(), Once with { DeduplicationWindow = TimeSpan.FromDays(1) });
        _watched.OnEnqueue = () => room.Task;
        var first = _app.Channels.SendAsync("patient", new Pay("1"), once).AsTask();
        await Wait.Until(() => !_watched.Enqueued.IsEmpty, "the first has reserved the id");
        var second = _app.Channels.SendAsync("patient", new Pay("1"), once).AsTask();
        _clock.Advance(TimeSpan.FromMinutes(1));
        var asked = _states.Reservations;

        await MoveUntilAsync(() => _states.Reservations > asked + 1 || _watched.Enqueued.Count > 1, "the second has asked again");
        var enqueued = _watched.Enqueued.Count;
        room.SetResult();
        await MoveUntilAsync(() => second.IsCompleted, "the second knows what became of the first");

        Assert.Equal(1, enqueued);
        Assert.False((await first).IsDuplicate);
        Assert.True((await second).IsDuplicate);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private WorkerApp Create(IWorkQueue queue, TimeProvider clock, IStateStore states) => new(
        _backplane,
        queue,
        clock,
        host =>
        {
            host.MapChannel("payments", (Pay _) => { }, options => (options.Deduplicate, options.Track) = (true, true));
            host.MapChannel("patient", (Pay _) => { }, options => (options.Deduplicate, options.WaitForRoom) = (true, TimeSpan.FromHours(1)));
        },
        services: services => services.AddSingleton(states));

    private Task MoveUntilAsync(Func<bool> condition, string what) => _clock.MoveUntil(TimeSpan.FromSeconds(1), condition, what);

    private async Task<long> CountAsync() => (await _queue.ListChannelsAsync()).Sum(status => status.Ready);
}
