using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>
/// Redis does one thing at a time, so no script may do more the more a channel holds. How long a script took says little on a machine that is busy; how many
/// commands each script called, which, and with how many values, does not depend on that. How many took more than 5 ms is printed.
/// </summary>
public sealed class RedisScriptWorkTests(RedisServer server) : RedisQueueTests(server, Patient)
{
    private const int Many = 20_000;
    private const int MostCalls = 2_000; // of any single script; the largest has some 1,200
    private const int MostWords = 10_000;
    private const int MostMoved = 500;

    // These take time by what is in a key, and not by what is asked for.
    private static readonly string[] Unbounded = ["lrem", "linsert", "lpos", "hgetall", "hvals", "hkeys", "zremrangebyscore", "keys"];

    private readonly ReceiverOptions _longLease = new() { LeaseDuration = TimeSpan.FromDays(30) };

    [Fact]
    public async Task Listing_a_channel_where_much_has_expired()
    {
        await EnqueueAsync(message => message with { ExpiresAt = Time.GetUtcNow() + TimeSpan.FromMinutes(1) }, Many);
        await EnqueueAsync(message => message, 1);
        Time.Advance(TimeSpan.FromMinutes(2));

        await AssertBoundedAsync(Many, async () => Assert.Equal(1, (await Queue.ListChannelsAsync()).Single().Ready));
    }

    [Fact]
    public async Task Listing_a_channel_where_much_is_due()
    {
        await EnqueueAsync(message => message with { NotBefore = Time.GetUtcNow() + TimeSpan.FromMinutes(1) }, Many);
        Time.Advance(TimeSpan.FromMinutes(2));

        await AssertBoundedAsync(Many, async () => Assert.Equal(Many, (await Queue.ListChannelsAsync()).Single().Ready));
    }

    [Fact]
    public async Task Receiving_from_a_channel_where_much_has_expired_behind_a_key_and_elsewhere()
    {
        var expiry = Time.GetUtcNow() + TimeSpan.FromMinutes(1);
        await EnqueueAsync(message => message with { Key = "k", ExpiresAt = expiry }, Many / 2);
        await EnqueueAsync(message => message with { ExpiresAt = expiry }, Many / 2);
        await EnqueueAsync(message => message with { Key = "k" }, 1);
        await using var lease = await Queue.OpenReceiverAsync(_longLease);
        Time.Advance(TimeSpan.FromMinutes(2));

        await AssertBoundedAsync(Many, async () => Assert.Null(Assert.Single(await ReceiveAsync(lease, 10)).Envelope.ExpiresAt));
    }

    [Fact]
    public async Task Cancelling_in_a_long_line()
    {
        var sent = await EnqueueAsync(message => message, Many);
        var cancelled = sent.Skip(Many / 4).Take(Many / 2).ToList();

        await AssertBoundedAsync(0, async () =>
        {
            foreach (var page in cancelled.Chunk(500))
                Assert.DoesNotContain(false, await Task.WhenAll(page.Select(message => Queue.CancelAsync("work", message.Id).AsTask())));
        });

        Assert.Equal(Many / 2, (await Queue.ListChannelsAsync()).Single().Ready);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Giving_back_what_a_worker_held(bool dies)
    {
        await EnqueueAsync(message => message, Many);
        var lease = (RedisWorkReceiver)await Queue.OpenReceiverAsync(_longLease);
        for (var held = 0; held < Many;)
            held += (await ReceiveAsync(lease, 250)).Count;
        if (dies)
        {
            Queue.Heart.Remove(lease.Term);
            Queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
            Place.Probe.Ask("ZADD", Key("workers"), "XX", "1", lease.Term.WorkerId);
        }

        await AssertBoundedAsync(Many, async () =>
        {
            if (dies)
                await Queue.Sweeper.SweepAllAsync(new LeasesEnded(0, 1));
            else
                await lease.DisposeAsync();
        });

        Assert.Equal((Many, 0), (await Queue.ListChannelsAsync()).Single() is var status ? (status.Ready, status.InFlight) : default);
        Assert.Empty(Place.Probe.Texts("ZRANGE", Key("workers"), "0", "-1"));
    }

    [Fact]
    public async Task Completing_messages_behind_which_others_of_their_keys_wait()
    {
        const int Keys = 1_000, MostAtOnce = 128;
        var sent = 0;
        await EnqueueAsync(message => message with { Key = $"{sent++ % Keys}" }, 2 * Keys);
        await using var lease = await Queue.OpenReceiverAsync(_longLease);
        List<ReceivedMessage> held = [];
        while (held.Count < Keys)
            held.AddRange(await ReceiveAsync(lease, 250));

        await AssertBoundedAsync(0, async () => Assert.DoesNotContain(false, await Task.WhenAll(held.Select(message => lease.CompleteAsync(message).AsTask()))));

        Assert.InRange(Place.Probe.CommandCalls()["evalsha"], Keys / MostAtOnce, long.MaxValue);
        Assert.Equal(Keys, (await Queue.ListChannelsAsync()).Single().Ready);
    }

    [Fact]
    public async Task Dealing_with_dead_letters()
    {
        await MakeDeadLettersAsync();

        await AssertBoundedAsync(0, async () => Assert.Equal(7, (await Queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 7)).Count));
        await AssertBoundedAsync(Many, async () => Assert.Equal(Many, await Queue.ReplayAsync("work", DeadLetterFilter.All)));
        await BuryAllAsync();
        await AssertBoundedAsync(Many, async () => Assert.Equal(Many, await Queue.PurgeAsync("work", DeadLetterFilter.All)));
    }

    [Fact]
    public async Task Sweeping_away_old_dead_letters()
    {
        await MakeDeadLettersAsync();
        Time.Advance(TimeSpan.FromDays(365));

        await AssertBoundedAsync(Many, () => Queue.Sweeper.SweepAllAsync(LeasesEnded.None));

        Assert.Empty(await Queue.ListChannelsAsync());
    }

    [Fact]
    public async Task Flushing_a_channel_of_many_keys()
    {
        var key = 0;
        await EnqueueAsync(message => message with { Key = $"{key++ / 2}" }, Many);
        await using var lease = await Queue.OpenReceiverAsync(_longLease);
        for (var held = 0; held < Many / 4;)
            held += (await ReceiveAsync(lease, 250)).Count;

        await AssertBoundedAsync(0, async () => await Queue.FlushAsync());

        Assert.Empty(await Queue.ListChannelsAsync());
        Assert.DoesNotContain(Place.Probe.Keys($"{Key("")}*"), name => !name.Contains(":sent:", StringComparison.Ordinal) && name != Key("workers"));
    }

    [Fact]
    public async Task Publishing_where_much_of_the_history_has_aged()
    {
        await using var backplane = new RedisBackplane(Place.Open());
        var (topic, retention) = (Topic.OfGroup("articles"), new Retention(2 * Many, TimeSpan.FromMinutes(10)));
        foreach (var page in Enumerable.Range(0, Many).Chunk(500))
            await Task.WhenAll(page.Select(_ => backplane.PublishAsync(topic, "old"u8.ToArray(), retention).AsTask()));
        Time.Advance(TimeSpan.FromMinutes(6));
        var before = await backplane.PublishAsync(topic, "kept"u8.ToArray(), retention);
        Time.Advance(TimeSpan.FromMinutes(6));

        await AssertBoundedAsync(0, async () => await backplane.PublishAsync(topic, "new"u8.ToArray(), retention));

        var history = await backplane.ReadHistoryAsync(topic, Position.None, 10);
        Assert.Equal(before, history.Messages[0].Position);
        Assert.Equal(2, history.Messages.Count);
    }

    [Fact]
    public async Task Sending_much_at_once_that_has_a_key_is_delayed_and_expires_while_as_much_has_expired()
    {
        const int Sent = 2_000, PlacesOfEach = 5, MostPlaces = 256;
        await EnqueueAsync(message => message with { ExpiresAt = Time.GetUtcNow() + TimeSpan.FromMinutes(1) }, Sent);
        Time.Advance(TimeSpan.FromMinutes(2));
        var options = new EnqueueOptions { Capacity = int.MaxValue };

        await AssertBoundedAsync(0, () => Task.WhenAll(Enumerable.Range(0, Sent).Select(number => Queue.EnqueueAsync("work", [MessageOf() with
        {
            Key = $"{number % 100}",
            Delay = TimeSpan.FromMinutes(1),
            TimeToLive = TimeSpan.FromMinutes(2),
            DeduplicationId = $"{number}",
            DeduplicationWindow = TimeSpan.FromMinutes(1),
        }], options).AsTask())));

        Assert.InRange(Place.Probe.CommandCalls()["evalsha"], Sent * PlacesOfEach / MostPlaces, long.MaxValue);
    }

    [Fact]
    public async Task Storing_where_many_deduplication_ids_are_forgotten()
    {
        var id = 0;
        await EnqueueAsync(message => message with { DeduplicationId = $"{id++}", DeduplicationWindow = TimeSpan.FromMinutes(1) }, Many);
        Time.Advance(TimeSpan.FromMinutes(2));

        await AssertBoundedAsync(0, () => EnqueueAsync(message => message with { DeduplicationId = $"{id++}", DeduplicationWindow = TimeSpan.FromMinutes(1) }, 1));

        Assert.InRange(Place.Probe.Number("ZCARD", Key("seen")), Many - MostMoved, Many);
    }

    [Fact]
    public async Task A_list_of_channels_reads_no_message_and_one_of_dead_letters_reads_those_that_it_shows()
    {
        const int Large = 20_000;
        await EnqueueAsync(message => message, 100, new byte[Large]);
        await using var lease = await Queue.OpenReceiverAsync(_longLease);
        foreach (var message in await ReceiveAsync(lease, 20))
            await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, "no");
        foreach (var message in await ReceiveAsync(lease, 20))
            await lease.AbandonAsync(message, AbandonOptions.Untouched);
        Place.Probe.ForgetCommandCalls();

        var oldest = (await Queue.ListChannelsAsync()).Single().OldestReady;
        Assert.NotNull(oldest);
        Assert.DoesNotContain(Place.Probe.CommandCalls(), call => call.Key is "hget" or "hmget" or "hgetall" or "hvals");

        Place.Probe.ForgetCommandCalls();
        Assert.Equal(3, (await Queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 3)).Count);
        Assert.Equal(20, (await Queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 100)).Count);
        Assert.Equal(3 + 20, Place.Probe.CommandCalls().GetValueOrDefault("hget"));
    }

    // A worker gives back what it holds for no longer than this, and a busy machine takes its time with so many.
    private static void Patient(RedisOptions options) => options.OutageTimeout = Wait.Limit;

    private static Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(IWorkReceiver lease, int max) => Wait.For(lease.ReceiveAsync("work", max).AsTask(), "messages");

    private Envelope MessageOf(byte[]? body = null) => new(new Message("do", body)) { Id = MessageId.New(Time), SentAt = Time.GetUtcNow() };

    private async Task<List<Envelope>> EnqueueAsync(Func<Envelope, Envelope> change, int count, byte[]? body = null)
    {
        List<Envelope> all = [.. Enumerable.Range(0, count).Select(_ => change(MessageOf(body)))];
        var options = new EnqueueOptions { Capacity = int.MaxValue };
        foreach (var page in all.Chunk(250))
            await Queue.EnqueueAsync("work", page, options);
        return all;
    }

    private async Task MakeDeadLettersAsync()
    {
        await EnqueueAsync(message => message, Many);
        await BuryAllAsync();
    }

    private async Task BuryAllAsync()
    {
        await using var lease = await Queue.OpenReceiverAsync(_longLease);
        for (var dead = 0; dead < Many;)
        {
            var messages = await ReceiveAsync(lease, 250);
            await Task.WhenAll(messages.Select(message => lease.DeadLetterAsync(message, DeadLetterReason.Rejected, "no").AsTask()));
            dead += messages.Count;
        }
    }

    private async Task AssertBoundedAsync(int moved, Func<Task> act)
    {
        Place.Probe.ForgetCommandCalls();
        Place.Probe.Configure("slowlog-log-slower-than", "5000"); // less, and what scripts call is logged, too, which takes longer than the call
        Place.Probe.Ask("SLOWLOG", "RESET");
        using var monitor = Place.Watch();

        await act();

        var (commands, words) = await monitor.EndAsync(Place.Probe);
        var calls = Place.Probe.CommandCalls();
        var scripts = calls["evalsha"];
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{scripts} scripts of {calls.Values.Sum() / scripts} commands, of at most {commands} commands and {words} words; {Place.Probe.Number("SLOWLOG", "LEN")} took more than 5 ms");
        Assert.DoesNotContain(calls.Keys, Unbounded.Contains);
        Assert.InRange(commands, 1, MostCalls);
        Assert.InRange(words, commands, MostWords);
        Assert.InRange(scripts, moved / MostMoved, long.MaxValue);
    }
}
