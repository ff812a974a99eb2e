using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What a process knows of a channel.</summary>
public sealed class RedisChannelTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private RedisPlace _place = null!;
    private RedisWorkQueue _queue = null!;

    public ValueTask InitializeAsync()
    {
        _place = new RedisPlace(server, _time);
        _queue = new RedisWorkQueue(_place.Open());
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void A_channel_that_somebody_is_about_to_send_to_is_not_forgotten()
    {
        var used = _queue.Channels.Enter("work");

        _queue.Channels.ForgetIdle();
        Assert.Same(used, _queue.Channels.ChannelOf("work"));

        used.Exit();
        _queue.Channels.ForgetIdle();
        Assert.NotSame(used, _queue.Channels.Enter("work"));
        Assert.False(used.TryEnter());
    }

    [Fact]
    public async Task A_send_that_has_ended_leaves_nothing_with_a_token_that_lives_on()
    {
        using var living = new CancellationTokenSource();
        var stored = await SendAsync(EnqueueOptions.Default with { Capacity = 1 });
        var refused = await SendAsync(EnqueueOptions.Default with { Capacity = 1 });

        await Wait.Until(
            () =>
            {
                GC.Collect();
                return !stored.IsAlive && !refused.IsAlive;
            },
            "both sends to be forgotten");

        async Task<WeakReference> SendAsync(EnqueueOptions options)
        {
            try
            {
                await _queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(_time) }], options, living.Token);
            }
            catch (ChannelFullException)
            {
                // the second one
            }
            return new WeakReference(options);
        }
    }

    [Fact]
    public async Task Senders_find_one_line_for_a_channel_however_often_it_is_forgotten()
    {
        using var done = new CancellationTokenSource();
        var forgetting = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
                _queue.Channels.ForgetIdle();
        });
        var used = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var channel = _queue.Channels.Enter("work");
                // Whoever is in use is the one that others find.
                Assert.Same(channel, _queue.Channels.ChannelOf("work"));
                Interlocked.Increment(ref used);
                channel.Exit();
            }
        })));
        await done.CancelAsync();
        await forgetting;

        Assert.Equal(80_000, used);
    }

    [Fact]
    public async Task A_later_time_to_look_does_not_take_the_place_of_an_earlier_one()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await _queue.EnqueueAsync("work", [NewMessage() with { NotBefore = _time.GetUtcNow() + TimeSpan.FromSeconds(10) }], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => _place.Probe.Exists($"{_place.Prefix}:{{work}}:workers"), "it has looked");
        var channel = _queue.Channels.ChannelOf("work");

        // What the heart was told may be older than what the worker was told, and come later.
        channel.LookIn((long)TimeSpan.FromSeconds(10).TotalMicroseconds, _time.GetTimestamp());
        channel.LookIn((long)TimeSpan.FromHours(1).TotalMicroseconds, _time.GetTimestamp());
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.Single(await Wait.For(waiting, "the message that is due"));
    }

    [Fact]
    public async Task A_worker_looks_when_what_is_in_the_way_of_others_of_its_key_expires()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        var now = _time.GetUtcNow();
        await _queue.EnqueueAsync(
            "work", [NewMessage("first", "k") with { NotBefore = now + TimeSpan.FromHours(1), ExpiresAt = now + TimeSpan.FromSeconds(10) }, NewMessage("next", "k")], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => _place.Probe.Exists($"{_place.Prefix}:{{work}}:workers"), "it has looked");

        // Its timer is set when the answer is here, which may be after the clock has moved. The first message is due after an hour.
        var seconds = 11;
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await Wait.Until(
            () =>
            {
                if (seconds++ < 600)
                    _time.Advance(TimeSpan.FromSeconds(1));
                return waiting.IsCompleted;
            },
            "the one behind it");

        Assert.Equal("next", Assert.Single(await waiting).Envelope.Message.Type);
    }

    [Fact]
    public async Task A_worker_elsewhere_hears_of_the_message_that_waited_behind_one_that_is_cancelled()
    {
        await using var elsewhere = new RedisWorkQueue(_place.Open());
        await using var lease = await elsewhere.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        var first = NewMessage("first", "k") with { NotBefore = _time.GetUtcNow() + TimeSpan.FromHours(1) };
        await _queue.EnqueueAsync("work", [first, NewMessage("next", "k")], EnqueueOptions.Default);
        var waiting = lease.ReceiveAsync("work", 1).AsTask();
        await Wait.Until(() => _place.Probe.Exists(Workers) && _place.Probe.Info("clients")["blocked_clients"] != "0", "it has looked, and listens");

        Assert.True(await _queue.CancelAsync("work", first.Id));

        Assert.Equal("next", Assert.Single(await Wait.For(waiting, "the next one")).Envelope.Message.Type);
    }

    [Fact]
    public async Task A_bell_that_is_heard_where_nobody_waits_any_more_is_rung_again_for_another_process()
    {
        var store = _place.Open();
        var putBack = new TaskCompletionSource<RedisChannel>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bells = new RedisBells(store, putBack.SetResult, patience: TimeSpan.FromHours(1));
        var (channel, waits) = (new RedisChannel("work", store), new Waiting());
        channel.Add(waits);
        bells.Listen(channel);
        await Wait.Until(() => _place.Probe.Info("clients")["blocked_clients"] == "1", "it waits");

        channel.Remove(waits);
        _place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");

        Assert.Same(channel, await Wait.For(putBack.Task, "the bell to be rung again"));
    }

    [Fact]
    public async Task What_wakes_a_node_that_is_gone_goes_by_itself()
    {
        var store = _place.Open();
        var writer = RedisScript.Wake.Run(keys: 1, arguments: 0);
        writer.Add(store.Keys.WakeOf("gone"));

        await store.Commands.ExecuteAsync(writer.Written);

        Assert.InRange(_place.Probe.TimeToLive(store.Keys.WakeOf("gone"))!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_channel_that_nobody_has_to_do_with_is_forgotten_when_all_are_put_in_order()
    {
        var known = _queue.Channels.ChannelOf("work");

        await _queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.NotSame(known, _queue.Channels.ChannelOf("work"));
    }

    [Fact]
    public async Task Older_processes_read_in_the_name_of_a_worker_that_very_many_may_die_of_a_message()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());

        Assert.Matches(@"\D65535$", lease.WorkerId);
    }

    [Fact]
    public async Task A_worker_that_was_taken_for_dead_and_not_told_claims_nothing_and_hears_of_it()
    {
        await using var lease = (RedisWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await _queue.EnqueueAsync("work", [NewMessage("1"), NewMessage("2")], EnqueueOptions.Default);
        Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "a message"));

        await TakeForDeadAsync(lease);
        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "it hears of it"));

        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Empty(_place.Probe.Keys($"{_place.Prefix}:{{work}}:claims:*"));
        Assert.Equal(2, (await _queue.ListChannelsAsync()).Single().Ready);
    }

    [Fact]
    public async Task A_worker_that_was_taken_for_dead_and_not_told_completes_nothing_and_hears_of_it()
    {
        await using var lease = (RedisWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await _queue.EnqueueAsync("work", [NewMessage("1", "k"), NewMessage("2", "k")], EnqueueOptions.Default);
        var held = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first"));

        await TakeForDeadAsync(lease);
        Assert.Equal("1", Assert.Single(await Wait.For(other.ReceiveAsync("work", 10).AsTask(), "the first, again")).Envelope.Message.Type);
        Assert.False(await Wait.For(lease.CompleteAsync(held).AsTask(), "the answer"));

        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Equal((0, 1), (await _queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.Blocked) : default);
    }

    [Fact]
    public async Task A_short_deduplication_window_does_not_end_the_longer_ones_of_its_channel()
    {
        Envelope Pay(string id, TimeSpan window) => NewMessage() with { DeduplicationId = id, DeduplicationWindow = window };
        await _queue.EnqueueAsync("work", [Pay("long", TimeSpan.FromHours(1))], EnqueueOptions.Default);

        await _queue.EnqueueAsync("work", [Pay("short", TimeSpan.FromMinutes(1))], EnqueueOptions.Default);

        Assert.InRange(_place.Probe.TimeToLive($"{_place.Prefix}:{{work}}:seen")!.Value, TimeSpan.FromMinutes(30), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task What_is_given_back_keeps_its_place_also_when_the_numbers_of_places_have_begun_anew()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await _queue.EnqueueAsync("work", [NewMessage("1"), NewMessage("2"), NewMessage("3")], EnqueueOptions.Default);
        var held = (await Wait.For(lease.ReceiveAsync("work", 2).AsTask(), "the first two")).ToList();
        _time.Advance(TimeSpan.FromHours(1));
        _place.Probe.Ask("DEL", $"{_place.Prefix}:{{work}}:order"); // by the server's clock it goes an hour after it began
        held.AddRange(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the third"));

        foreach (var message in held)
            Assert.True(await lease.AbandonAsync(message, AbandonOptions.Untouched));

        var again = await Wait.For(lease.ReceiveAsync("work", 3).AsTask(), "all three");
        Assert.Equal(["1", "2", "3"], again.Select(message => message.Envelope.Message.Type));
    }

    [Theory]
    [InlineData(100_001, 0)]
    [InlineData(257, 1024 * 1024)]
    public async Task More_than_one_script_can_store_at_once_is_refused_with_a_sentence(int count, int size)
    {
        var message = new Message("do", new byte[size]);

        var refusal = await Assert.ThrowsAsync<ArgumentException>(
            () => _queue.EnqueueAsync("work", [.. Enumerable.Repeat(new Envelope(message) { Id = MessageId.New(_time) }, count)], EnqueueOptions.Default).AsTask());

        Assert.Contains($"{count} for channel 'work'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("in parts", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_dead_worker_held_is_given_to_others_by_whoever_comes_next_when_the_first_one_stops_in_the_middle(bool beats)
    {
        await using var dead = (RedisWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await _queue.EnqueueAsync("work", [.. Enumerable.Range(0, 250).Select(_ => NewMessage())], EnqueueOptions.Default);
        Assert.Equal(250, (await Wait.For(dead.ReceiveAsync("work", 250).AsTask(), "all messages")).Count);
        _queue.Heart.Remove(dead.Term);
        _place.Probe.Ask("ZADD", Workers, "XX", "1", dead.Term.WorkerId);

        var first = await _queue.Sweeper.SweepOnceAsync(_queue.Channels.ChannelOf("work"), new LeasesEnded(0, 1));
        Assert.Equal((1, 100), (first[1].AsNumber(), first[3].AsNumber()));
        if (beats)
        {
            _queue.Heart.Add(dead.Term);
            _queue.Heart.Beat();
        }
        await Assert.ThrowsAsync<LeaseLostException>(() => Wait.For(dead.ReceiveAsync("work", 1).AsTask(), "it hears of it"));
        await _queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Equal((250, 0), (await _queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.InFlight) : default);
        Assert.False(_place.Probe.Exists(Workers));
    }

    [Fact]
    public async Task Each_channel_that_somebody_begins_to_wait_at_ends_the_wait_for_those_before()
    {
        var store = _place.Open();
        await using var bells = new RedisBells(store, static _ => { }, patience: TimeSpan.FromHours(1));

        foreach (var name in new ChannelName[] { "first", "second", "third" })
        {
            var (channel, waits) = (new RedisChannel(name, store), new Waiting());
            channel.Add(waits);
            bells.Listen(channel);
            _place.Probe.Ask("RPUSH", channel.Keys.Bell, "1");
            await Wait.For(waits.Looked, $"the bell of '{name}' to be heard");
            await Wait.Until(() => _place.Probe.Info("clients")["blocked_clients"] == "1", "it waits again");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    private string Workers => $"{_place.Prefix}:{{work}}:workers";

    private static Envelope NewMessage(string type = "do", string? key = null) => new(new Message(type, default)) { Id = MessageId.New(TimeProvider.System), Key = key };

    private async Task TakeForDeadAsync(RedisWorkReceiver lease)
    {
        _queue.Heart.Remove(lease.Term);
        _queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        _place.Probe.Ask("ZADD", Workers, "XX", "1", lease.Term.WorkerId);
        await _queue.Sweeper.SweepAllAsync(new LeasesEnded(0, 1));
    }

    private sealed class Waiting : IChannelListener
    {
        private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsWaiting => true;

        public Task Looked => _looked.Task;

        public void Look() => _looked.TrySetResult();
    }
}
