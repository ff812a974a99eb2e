using System.Globalization;
using System.Text;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Redis.Sending;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is put in order once a minute.</summary>
public sealed class RedisSweeperTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private const int Dead = 1_500;

    private readonly ManualTimeProvider _time = new();
    private RedisPlace? _place;

    private RedisPlace Place => _place ??= new(server, _time);

    private IReadOnlyList<string> KnownChannels => Place.Probe.Texts("ZRANGE", $"{Place.Prefix}:channels", "0", "-1");

    [Fact]
    public async Task All_dead_letters_that_are_too_old_are_deleted_in_one_turn()
    {
        await using var queue = new RedisWorkQueue(Place.Open(options => options.DeadLetterRetention = TimeSpan.FromDays(1)));
        await queue.EnqueueAsync("work", [.. Enumerable.Range(0, Dead).Select(_ => NewMessage())], EnqueueOptions.Default);
        await using (var lease = await queue.OpenReceiverAsync(new ReceiverOptions()))
        {
            for (var dead = 0; dead < Dead;)
            {
                var messages = await Wait.For(lease.ReceiveAsync("work", 250).AsTask(), "messages");
                await Task.WhenAll(messages.Select(message => lease.DeadLetterAsync(message, DeadLetterReason.Rejected, "no").AsTask()));
                dead += messages.Count;
            }
        }

        _time.Advance(TimeSpan.FromDays(2));
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.DoesNotContain(Place.Probe.Keys($"{Place.Prefix}:*"), key => !key.Contains(":sent:", StringComparison.Ordinal) && !key.Contains(":wake:", StringComparison.Ordinal) && !key.EndsWith(":order", StringComparison.Ordinal) && !key.EndsWith(":server", StringComparison.Ordinal) && !key.EndsWith(":format", StringComparison.Ordinal));
        Assert.Equal($"{Dead} dead letters of channel 'work' were older than they are kept, and were deleted.", Assert.Single(Place.Log.Of(4011)).Text);
    }

    [Fact]
    public async Task A_channel_that_holds_nothing_is_forgotten_when_nobody_has_used_it_for_two_minutes()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        await queue.EnqueueAsync("work", [NewMessage() with { TimeToLive = TimeSpan.FromSeconds(1) }], EnqueueOptions.Default);

        _time.Advance(TimeSpan.FromMinutes(2));
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);
        var lately = KnownChannels;
        _time.Advance(TimeSpan.FromSeconds(1));
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Equal(["work"], lately);
        Assert.Empty(KnownChannels);
    }

    [Fact]
    public async Task A_channel_that_was_used_by_a_clock_far_ahead_is_forgotten_too()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        Place.Probe.Ask("ZADD", $"{Place.Prefix}:channels", $"{_time.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds()}", "work");

        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Empty(KnownChannels);
    }

    [Fact]
    public async Task No_command_carries_the_time_of_this_machine()
    {
        await using var place = new RedisPlace(server);
        var store = place.Open();
        await using var queue = new RedisWorkQueue(store);
        await using var backplane = new RedisBackplane(store);
        place.Probe.Configure("slowlog-max-len", "1000");
        place.Probe.Configure("slowlog-log-slower-than", "0"); // the server notes every command
        place.Probe.Ask("SLOWLOG", "RESET");

        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        await using (var lease = await queue.OpenReceiverAsync(new ReceiverOptions()))
            await lease.CompleteAsync((await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"))[0]);
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);
        var position = await backplane.PublishAsync(Topic.OfGroup("articles"), default, new Retention(10, TimeSpan.FromMinutes(1)));
        await backplane.ReadHistoryAsync(Topic.OfGroup("articles"), position, 10);

        var words = SlowLog(place.Probe);
        Assert.Contains("work", words);
        Assert.DoesNotContain(words, word => double.TryParse(word, CultureInfo.InvariantCulture, out var number) && (IsNow(number) || IsNow(number / 1000)));

        static bool IsNow(double milliseconds) => Math.Abs(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - milliseconds) < TimeSpan.FromDays(1).TotalMilliseconds;
    }

    [Fact]
    public async Task A_channel_whose_keys_another_program_has_spoilt_does_not_keep_the_others_from_their_turn()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        await using var dead = (RedisWorkReceiver)await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        foreach (var name in (ChannelName[])["a", "spoilt", "z"])
            await queue.EnqueueAsync(name, [NewMessage()], EnqueueOptions.Default);
        foreach (var name in (ChannelName[])["a", "z"]) // in the order of the turn one is before and one behind
            Assert.Single(await Wait.For(dead.ReceiveAsync(name, 1).AsTask(), "the message"));
        queue.Heart.Remove(dead.Term);
        queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        foreach (var name in (string[])["a", "z"])
            Place.Probe.Ask("ZADD", $"{Place.Prefix}:{{{name}}}:workers", "XX", "1", dead.Term.WorkerId);
        Place.Probe.Ask("SET", $"{Place.Prefix}:{{spoilt}}:workers", "by another program");

        await queue.Sweeper.SweepAllAsync(new LeasesEnded(0, 1));

        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        foreach (var name in (ChannelName[])["a", "z"])
            Assert.Equal(1, Assert.Single(await Wait.For(lease.ReceiveAsync(name, 1).AsTask(), "what the dead one held")).Envelope.Crashes);
        Assert.StartsWith("Channel 'spoilt' cannot be put in order", Assert.Single(Place.Log.Of(4032)).Text, StringComparison.Ordinal);
        Assert.Equal(["a", "z"], Place.Log.Of(4009).Select(entry => entry.Text.Split('\'')[1]));
        Assert.All(Place.Log.Of(4010), entry => Assert.Contains("held 1 messages, which go to other workers", entry.Text, StringComparison.Ordinal));
        Assert.Equal(2, Place.Log.Of(4010).Count());
    }

    [Fact]
    public async Task What_has_expired_is_logged_with_its_number()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        await queue.EnqueueAsync("work", [.. Enumerable.Range(0, 3).Select(_ => NewMessage() with { TimeToLive = TimeSpan.FromSeconds(1) })], EnqueueOptions.Default);

        _time.Advance(TimeSpan.FromSeconds(2));
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Equal("3 messages of channel 'work' were not handled before they expired, and were deleted.", Assert.Single(Place.Log.Of(4008)).Text);
    }

    [Fact]
    public async Task A_name_that_is_none_among_the_channels_is_forgotten_and_keeps_nobody_from_their_turn()
    {
        await using var queue = new RedisWorkQueue(Place.Open());
        foreach (var name in (string[])["", "no name", "!"])
            Place.Probe.Ask("ZADD", $"{Place.Prefix}:channels", "1", name);
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);

        Assert.Equal("work", (await queue.ListChannelsAsync()).Single().Channel.Value);
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.Equal(["work"], KnownChannels);
    }

    [Fact]
    public async Task What_has_expired_and_what_a_dead_worker_held_is_dealt_with_by_itself()
    {
        var store = Place.Open();
        await using var queue = new RedisWorkQueue(store);
        await queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
        await queue.EnqueueAsync("quiet", [NewMessage() with { TimeToLive = TimeSpan.FromSeconds(1) }], EnqueueOptions.Default);
        await using var dead = (RedisWorkReceiver)await queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        Assert.Single(await Wait.For(dead.ReceiveAsync("work", 1).AsTask(), "the message"));
        queue.Heart.Remove(dead.Term);
        queue.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        Place.Probe.Ask("ZADD", $"{Place.Prefix}:{{work}}:workers", "XX", "1", dead.Term.WorkerId);
        _time.Advance(TimeSpan.FromSeconds(2));

        await using var sweeper = new RedisSweeper(store, queue.Channels, every: TimeSpan.FromMilliseconds(50));

        await Wait.Until(() => Place.Log.Of(4008).Any(), "what has expired is deleted");
        await Wait.Until(() => Place.Log.Of(4010).Any(), "what the dead worker held goes to others");
    }

    [Fact]
    public async Task Who_has_just_been_connected_leaves_the_turn_to_others()
    {
        var store = Place.Open();
        await store.OpenAsync(TestContext.Current.CancellationToken);
        await using var sweeper = new RedisSweeper(store, new ChannelTable(store), every: TimeSpan.FromHours(1));

        await sweeper.SweepInTurnAsync();

        Assert.False(Place.Probe.Exists(store.Keys.Sweeping));
    }

    [Theory]
    [InlineData(0, 100, 0)] // nothing is known yet
    [InlineData(100, 160, 100)]
    [InlineData(100, 100_000, 100)] // the clock was set forward: leases that hold have ended by it, and had not by then
    [InlineData(100, 40, 0)] // it was set back: no lease that holds ends as late as then
    public void Dead_is_whose_lease_had_ended_a_turn_before(long turnBefore, long now, long ended) =>
        Assert.Equal(new LeasesEnded(0, ended), RedisSweeper.DeadSince(turnBefore, now));

    public async ValueTask DisposeAsync()
    {
        if (_place is not null)
            await _place.DisposeAsync();
    }

    // The words of all commands that came from connections: those that scripts call have come from nowhere.
    private static List<string> SlowLog(RedisProbe probe) =>
        [.. ((object?[])probe.Ask("SLOWLOG", "GET", "1000")!).Cast<object?[]>()
            .Where(entry => Encoding.UTF8.GetString((byte[])entry[4]!) != "?:0")
            .SelectMany(entry => (object?[])entry[3]!).Select(word => Encoding.UTF8.GetString((byte[])word!))];

    private static Envelope NewMessage() => new(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) };
}
