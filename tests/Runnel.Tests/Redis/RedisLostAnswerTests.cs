using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What Redis has done and could not say any more: it is asked again, and nothing is done twice.</summary>
public sealed class RedisLostAnswerTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private readonly RedisPlace _place = new(server);
    private readonly TcpWire _wire = TcpWire.To(server.Port);
    private RedisWorkQueue _queue = null!;

    private string Messages => $"{_place.Prefix}:{{work}}:messages";

    public ValueTask InitializeAsync()
    {
        _queue = new RedisWorkQueue(_place.Open(Patient, server.AddressAt(_wire.Port)));
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_message_whose_storing_was_not_answered_is_stored_once()
    {
        await _queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);

        _wire.Silence(toServer: false);
        var storing = _queue.EnqueueAsync("work", [Of("2")], EnqueueOptions.Default).AsTask();
        await Wait.Until(() => _place.Probe.Number("HLEN", Messages) == 2, "it is stored");
        _wire.Cut();
        _wire.Heal();

        Assert.Equal(1, await Wait.For(storing, "the answer"));
        Assert.Equal(2, _place.Probe.Number("HLEN", Messages));
    }

    [Fact]
    public async Task Messages_keep_their_order_when_Redis_lacked_the_scripts_for_the_first_and_has_them_for_the_second()
    {
        await _queue.EnqueueAsync("work", [Of("1") with { Key = "k" }], EnqueueOptions.Default);
        _place.Probe.ForgetCommandCalls();

        _wire.Silence(toServer: false);
        _place.Probe.Ask("SCRIPT", "FLUSH");
        var second = _queue.EnqueueAsync("work", [Of("2") with { Key = "k" }], EnqueueOptions.Default).AsTask();
        await Wait.Until(() => _place.Probe.Info("errorstats").ContainsKey("errorstat_NOSCRIPT"), "there are no scripts for it");
        await _place.Open().OpenAsync(); // another process, which brings them
        var third = _queue.EnqueueAsync("work", [Of("3") with { Key = "k" }, Of("4") with { Key = "k" }], EnqueueOptions.Default).AsTask();
        _wire.Heal();

        Assert.Equal((1, 2), (await Wait.For(second, "the answer"), await Wait.For(third, "the answer")));
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        for (var next = 1; next <= 4; next++)
        {
            var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the next message"));
            Assert.Equal($"{next}", message.Envelope.Message.Type);
            await lease.CompleteAsync(message);
        }
    }

    [Fact]
    public async Task Nothing_that_is_on_its_way_behind_a_batch_that_waits_for_room_overtakes_it()
    {
        var waits = new EnqueueOptions { Capacity = 2, WaitForRoom = TimeSpan.FromMinutes(1) };
        await _queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);

        _wire.Silence(toServer: false);
        _place.Probe.ForgetCommandCalls();
        var batch = _queue.EnqueueAsync("work", [Of("2"), Of("3")], waits).AsTask();
        await Wait.Until(() => Scripts() == 1, "there is no room for it");
        var behind = _queue.EnqueueAsync("work", [Of("4")], waits).AsTask();
        await Wait.Until(() => Scripts() == 2, "there would be room for the one behind it");
        Assert.Equal(1, _place.Probe.Number("HLEN", Messages));
        _wire.Heal();

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        for (var next = 1; next <= 4; next++)
        {
            var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the next message"));
            Assert.Equal($"{next}", message.Envelope.Message.Type);
            await lease.CompleteAsync(message);
        }
        Assert.Equal((2, 1), (await batch, await behind));

        long Scripts() => _place.Probe.CommandCalls().GetValueOrDefault("evalsha");
    }

    [Fact]
    public async Task A_message_is_stored_when_the_one_before_it_failed_for_good()
    {
        await _queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);

        _wire.Silence(toServer: false);
        _place.Probe.ForgetCommandCalls();
        var seen = $"{_place.Prefix}:{{work}}:seen";
        _place.Probe.Ask("SET", seen, "by another program");
        var failing = _queue.EnqueueAsync("work", [Of("2") with { DeduplicationId = "once", DeduplicationWindow = TimeSpan.FromMinutes(1) }], EnqueueOptions.Default).AsTask();
        await Wait.Until(() => _place.Probe.Info("errorstats").Count > 0, "it is refused");
        var next = _queue.EnqueueAsync("work", [Of("3")], EnqueueOptions.Default).AsTask();
        _wire.Heal();

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(failing, "the failure"));
        Assert.Equal(1, await Wait.For(next, "the answer"));
        Assert.Equal(2, _place.Probe.Number("HLEN", Messages));
    }

    [Fact]
    public async Task Messages_that_were_claimed_without_an_answer_are_handed_out_once_and_settled()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1"), Of("2"), Of("3")], EnqueueOptions.Default);

        _wire.Silence(toServer: false);
        var receiving = lease.ReceiveAsync("work", 10).AsTask();
        await Wait.Until(() => _place.Probe.Number("HLEN", Messages) == 0, "they are claimed");
        _wire.Cut();
        _wire.Heal();
        var messages = await Wait.For(receiving, "the messages");

        Assert.Equal(["1", "2", "3"], messages.Select(message => message.Envelope.Message.Type));
        foreach (var message in messages)
            Assert.True(await lease.CompleteAsync(message));
        Assert.Empty(await _queue.ListChannelsAsync());
    }

    [Fact]
    public async Task A_message_whose_settling_was_not_answered_is_settled()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the message"));

        _wire.Silence(toServer: false);
        var settling = lease.CompleteAsync(message).AsTask();
        await Wait.Until(() => _place.Probe.Keys($"{_place.Prefix}:{{work}}:claims:*").Count == 0, "it is settled");
        _wire.Cut();
        _wire.Heal();

        Assert.True(await Wait.For(settling, "the answer"));
    }

    [Fact]
    public async Task A_claim_does_not_wait_for_a_settlement_and_both_are_done_once_when_their_answers_are_lost()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1") with { Key = "k" }, Of("2") with { Key = "k" }, Of("3")], EnqueueOptions.Default);
        var first = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first"));

        _wire.Silence(toServer: false);
        var settling = lease.CompleteAsync(first).AsTask();
        await Wait.Until(() => _place.Probe.Keys($"{_place.Prefix}:{{work}}:claims:*").Count == 0, "it is settled");
        var receiving = lease.ReceiveAsync("work", 10).AsTask();
        await Wait.Until(() => _place.Probe.Number("HLEN", Messages) == 0, "the others are claimed meanwhile");
        _wire.Cut();
        _wire.Heal();

        Assert.True(await Wait.For(settling, "the answer"));
        var others = await Wait.For(receiving, "the others");
        Assert.Equal(["3", "2"], others.Select(message => message.Envelope.Message.Type)); // the key's next one got in line when the first was settled
        foreach (var message in others)
            Assert.True(await lease.CompleteAsync(message));
        Assert.Empty(await _queue.ListChannelsAsync());
    }

    [Fact]
    public async Task A_worker_that_leaves_while_a_settlement_and_a_claim_are_on_their_way_holds_nothing_afterwards()
    {
        var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await using var _ = lease;
        await _queue.EnqueueAsync("work", [Of("1"), Of("2")], EnqueueOptions.Default);
        var first = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first"));

        _wire.Silence(toServer: false);
        var settling = lease.CompleteAsync(first).AsTask();
        await Wait.Until(() => _place.Probe.Keys($"{_place.Prefix}:{{work}}:claims:*").Count == 0, "it is settled");
        var receiving = lease.ReceiveAsync("work", 10).AsTask();
        await Wait.Until(() => _place.Probe.Number("HLEN", Messages) == 0, "the other one is claimed meanwhile");
        var leaving = lease.DisposeAsync().AsTask();
        _wire.Cut();
        _wire.Heal();

        await Wait.For(leaving, "it has left");
        Assert.True(await Wait.For(settling, "the answer"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(receiving, "the end of the wait"));
        Assert.Equal((1, 0), (await _queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.InFlight) : default);
    }

    [Fact]
    public async Task A_worker_leaves_a_Redis_that_says_nothing()
    {
        var store = _place.Open(address: server.AddressAt(_wire.Port));
        await using var queue = new RedisWorkQueue(store);
        var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));

        store.Options.OutageTimeout = TimeSpan.FromMilliseconds(300); // not before, since a busy machine may need longer to store it
        _wire.Silence();
        var settling = lease.CompleteAsync(message).AsTask(); // which waits for Redis for as long as it takes
        await Wait.For(lease.DisposeAsync().AsTask(), "it to leave");

        Assert.Single(_place.Log.AtLeast(LogLevel.Warning), entry => entry.Text.Contains(lease.WorkerId, StringComparison.Ordinal));
        Assert.False(settling.IsCompleted);
        _wire.Heal();
        Assert.True(await Wait.For(settling, "the settlement"));
    }

    [Fact]
    public async Task What_a_step_has_settled_before_Redis_refused_the_rest_counts_as_settled_however_many_wait()
    {
        const int Many = 1_500;
        var spoilt = $"{_place.Prefix}:{{work}}:lane:k";
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1") with { Key = "k" }, .. Enumerable.Range(0, Many).Select(_ => Of("2"))], EnqueueOptions.Default);
        List<ReceivedMessage> held = [];
        while (held.Count < Many + 1)
            held.AddRange(await Wait.For(lease.ReceiveAsync("work", 250).AsTask(), "messages"));
        _place.Probe.Ask("SET", spoilt, "by another program"); // where the first one's settling ends, behind what it has settled
        _place.Probe.ForgetCommandCalls();

        var settling = held.Select(message => lease.CompleteAsync(message).AsTask()).ToList();
        await Wait.Until(() => _place.Probe.Info("errorstats").Count > 0, "it is refused");
        _place.Probe.Ask("DEL", spoilt);

        Assert.DoesNotContain(false, await Wait.For(Task.WhenAll(settling), "the answers"));
    }

    [Fact]
    public async Task What_is_settled_along_with_what_Redis_refused_before_counts_as_settled_only_if_it_was_the_workers()
    {
        var spoilt = $"{_place.Prefix}:{{work}}:lane:k";
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1") with { Key = "k" }, Of("2")], EnqueueOptions.Default);
        var held = await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "messages");
        _place.Probe.Ask("SET", spoilt, "by another program");
        _place.Probe.ForgetCommandCalls();

        var settling = lease.CompleteAsync(held[0]).AsTask();
        await Wait.Until(() => _place.Probe.Info("errorstats").Count > 0, "it is refused");
        _place.Probe.Ask("DEL", spoilt);
        await _queue.FlushAsync();

        Assert.False(await Wait.For(lease.CompleteAsync(held[1]).AsTask(), "the answer"));
        Assert.True(await Wait.For(settling, "the answer"));
    }

    [Fact]
    public async Task A_keyed_message_whose_settling_was_not_answered_lets_one_message_of_its_key_go_and_not_two()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await using var elsewhere = new RedisWorkQueue(_place.Open());
        await using var other = await elsewhere.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1") with { Key = "k" }, Of("2") with { Key = "k" }, Of("3") with { Key = "k" }], EnqueueOptions.Default);
        var first = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the first"));

        _wire.Silence(toServer: false);
        var settling = lease.CompleteAsync(first).AsTask();
        var second = Assert.Single(await Wait.For(other.ReceiveAsync("work", 10).AsTask(), "the second"));
        _wire.Cut();
        _wire.Heal();

        Assert.True(await Wait.For(settling, "the answer"));
        Assert.Equal("2", second.Envelope.Message.Type);
        Assert.Equal((0, 1, 1), (await elsewhere.ListChannelsAsync()).Single() is var status ? (status.Ready, status.Blocked, status.InFlight) : default);
    }

    [Fact]
    public async Task A_worker_that_joins_a_channel_without_an_answer_and_hears_it_late_has_its_whole_lease()
    {
        var lease = await _queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromSeconds(1) });
        await using var _ = lease;
        _queue.Heart.Remove(((RedisWorkReceiver)lease).Term); // only the joining is to be seen
        await _queue.EnqueueAsync("work", [Of("1")], EnqueueOptions.Default);

        _wire.Silence(toServer: false);
        var receiving = lease.ReceiveAsync("work", 10).AsTask();
        await Wait.Until(() => _place.Probe.Number("HLEN", Messages) == 0, "it has joined, and claimed the message");
        _wire.Cut();
        await Wait.Until(() => LeaseEnd() < _place.Probe.Time(), "the lease has ended, and nobody took the message");
        var healed = _place.Probe.Time();
        _wire.Heal();
        Assert.Single(await Wait.For(receiving, "the message"));

        Assert.InRange(LeaseEnd(), healed + 1_000_000, long.MaxValue); // and not by the time it is now: on a busy machine this lease may have ended, too

        long LeaseEnd() => long.Parse(_place.Probe.Texts("ZRANGE", $"{_place.Prefix}:{{work}}:workers", "0", "-1", "WITHSCORES")[1], null);
    }

    [Fact]
    public async Task A_message_that_somebody_has_damaged_takes_no_other_along()
    {
        var (damaged, whole) = (Of("1"), Of("2"));
        await _queue.EnqueueAsync("work", [damaged], EnqueueOptions.Default);
        // An entry that says its key is longer than all of it; the id is not text, so the server itself has to name it.
        _place.Probe.Ask("EVAL", "redis.call('HSET', KEYS[1], redis.call('LINDEX', KEYS[2], 0):sub(1, 16), ARGV[1])", "2", Messages, $"{_place.Prefix}:{{work}}:ready", new string('\u0001', 29) + "~some");
        await _queue.EnqueueAsync("work", [whole], EnqueueOptions.Default);
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());

        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the other one"));

        Assert.Equal("2", message.Envelope.Message.Type);
        await Wait.Until(async () => (await _queue.ListChannelsAsync()).Single().Dead == 1, "the damaged one is put aside");
    }

    [Fact]
    public async Task Dead_letters_that_are_put_aside_together_are_listed_in_the_order_in_which_they_were()
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync("work", [Of("1"), Of("2"), Of("3"), Of("4")], EnqueueOptions.Default);
        var held = await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the messages");

        await Wait.For(Task.WhenAll(held.Reverse().Select(message => lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null).AsTask())), "all are put aside");

        Assert.Equal(["4", "3", "2", "1"], (await _queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 10)).Select(letter => letter.Envelope.Message.Type));
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }

    // What is lost here is noticed at once; a busy machine may need longer than usual for the rest.
    private static void Patient(RedisOptions options) => (options.Timeout, options.OutageTimeout) = (Wait.Limit, Wait.Limit);

    private static Envelope Of(string type) => new(new Message(type, default)) { Id = MessageId.New(TimeProvider.System) };
}
