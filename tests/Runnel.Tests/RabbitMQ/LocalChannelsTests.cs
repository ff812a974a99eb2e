using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Channels;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What waits in a process for its channels: bounded, and not for ever.</summary>
public sealed class LocalChannelsTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly RabbitMQBroker _broker;
    private readonly LocalChannels _channels;

    public LocalChannelsTests()
    {
        _loggers = new LoggerFactory([_log]);
        var options = new RabbitMQOptions { LocalCapacity = 2, Expiry = TimeSpan.FromSeconds(60), LocalExpiry = TimeSpan.FromMilliseconds(20) };
        _broker = new RabbitMQBroker(options, _clock, _loggers.CreateLogger<RabbitMQBroker>());
        _channels = new LocalChannels(_broker);
    }

    public async ValueTask DisposeAsync()
    {
        await _channels.DisposeAsync();
        await _broker.DisposeAsync();
        _loggers.Dispose();
    }

    [Fact]
    public async Task A_message_waits_for_its_receiver_and_a_receiver_for_its_message()
    {
        _channels.Add("p!a", Of("1"));
        _channels.Add("p!a", Of("2"));

        Assert.Equal("1", (await ReceiveAsync("p!a")).Type);
        Assert.Equal("2", (await ReceiveAsync("p!a")).Type);
        var (first, second) = (ReceiveAsync("p!a"), ReceiveAsync("p!a"));
        _channels.Add("p!b", Of("not theirs"));
        _channels.Add("p!a", Of("3"));
        _channels.Add("p!a", Of("4"));
        Assert.Equal(("3", "4"), ((await first).Type, (await second).Type));
        Assert.Equal(1, _channels.Count);
    }

    [Fact] // RM-13
    public async Task What_is_not_read_in_time_is_dropped_counted_and_warned_about()
    {
        using var expired = new ExpiredCount();
        _channels.Add("p!a", Of("old"));
        _channels.Add("p!b", Of("old"));
        _clock.Advance(TimeSpan.FromMilliseconds(20));
        _channels.Add("p!a", Of("new"));

        Assert.Equal("new", (await ReceiveAsync("p!a")).Type);

        Assert.True(expired.Value >= 2); // other tests let messages expire, too
        Assert.Equal(0, _channels.Count);
        var warning = Assert.Single(_log.Of(4231));
        Assert.Equal("2 messages for channels of this process were not received within 0.02 s (LocalExpiry), and were dropped. The last ones were for 'p!a', 'p!b'.", warning.Text);
    }

    [Fact]
    public async Task What_has_waited_for_too_long_is_not_handed_out_though_nobody_has_looked_since()
    {
        _clock.Advance(TimeSpan.FromMilliseconds(15));
        _channels.Add("p!a", Of("old"));
        _clock.Advance(TimeSpan.FromMilliseconds(24));

        var receiving = ReceiveAsync("p!a");
        _channels.Add("p!a", Of("new"));

        Assert.Equal("new", (await receiving).Type);
    }

    [Fact]
    public void A_warning_says_how_often_there_was_reason_since_the_one_before()
    {
        for (var i = 0; i < 5; i++)
            _channels.Add("p!dead", Of("x"));
        _clock.Advance(TimeSpan.FromSeconds(6));
        for (var i = 0; i < 4; i++)
            _channels.Add("p!dead", Of("x"));
        _clock.Advance(TimeSpan.FromSeconds(6));
        for (var i = 0; i < 3; i++)
            _channels.Add("p!dead", Of("x"));

        Assert.Equal([1, 3, 2], _log.Of(4230).Select(entry => int.Parse(entry.Text.Split("LocalCapacity): ")[1].Split(' ')[0], null)));
    }

    [Fact] // RM-11: the warning
    public async Task A_channel_that_is_full_is_warned_about_and_costs_the_others_nothing()
    {
        Assert.True(_channels.Add("p!dead", Of("1")));
        Assert.True(_channels.Add("p!dead", Of("2")));
        Assert.False(_channels.Add("p!dead", Of("3")));
        Assert.False(_channels.Add("p!dead", Of("4")));

        Assert.True(_channels.Add("p!live", Of("1")));
        Assert.Equal("1", (await ReceiveAsync("p!live")).Type);
        Assert.Equal("1", (await ReceiveAsync("p!dead")).Type);
        Assert.True(_channels.Add("p!dead", Of("5")));
        Assert.Contains("'p!dead' (2)", Assert.Single(_log.Of(4230)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_channels_have_one_bound_together()
    {
        var kept = Fill();

        Assert.Equal((128, 128), (kept, _channels.Count));
    }

    [Fact]
    public async Task Who_stops_waiting_takes_nothing_and_the_next_one_gets_the_message()
    {
        using var cancel = new CancellationTokenSource();
        var stopped = _channels.ReceiveAsync("p!a", cancel.Token).AsTask();
        var waits = ReceiveAsync("p!a");

        await cancel.CancelAsync();
        _channels.Add("p!a", Of("1"));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
        Assert.Equal("1", (await waits).Type);
    }

    [Theory]
    [InlineData("handed over")]
    [InlineData("received")]
    [InlineData("not waited for any more")]
    [InlineData("expired")]
    [InlineData("flushed")]
    [InlineData("refused")]
    public async Task A_channel_on_which_nothing_waits_is_forgotten(string how)
    {
        const string Gone = "p!gone";
        using var cancel = new CancellationTokenSource();
        switch (how)
        {
            case "handed over":
                var handed = ReceiveAsync(Gone);
                _channels.Add(Gone, Of("1"));
                await handed;
                break;
            case "received":
                _channels.Add(Gone, Of("1"));
                await ReceiveAsync(Gone);
                break;
            case "not waited for any more":
                var waiting = _channels.ReceiveAsync(Gone, cancel.Token).AsTask();
                await cancel.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
                break;
            case "expired":
                _channels.Add(Gone, Of("1"));
                _clock.Advance(TimeSpan.FromMilliseconds(40));
                break;
            case "flushed":
                _channels.Add(Gone, Of("1"));
                _channels.Clear();
                break;
            case "refused":
                Fill();
                Assert.False(_channels.Add(Gone, Of("1")));
                for (var i = 0; i < 128; i++)
                    await ReceiveAsync($"p!{i}");
                _clock.Advance(TimeSpan.FromSeconds(6)); // or the next warning would wait
                break;
        }

        for (var i = 0; i < 3; i++)
            _channels.Add("p!dead", Of("x"));

        Assert.Contains("The fullest are 'p!dead' (2). ", _log.Of(4230).Last().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_flushed_takes_no_room()
    {
        Fill();

        _channels.Clear();

        Assert.Equal(0, _channels.Count);
        Assert.Equal(128, Fill());
    }

    [Fact]
    public void What_is_not_read_in_time_is_dropped_though_nobody_receives_anything()
    {
        _channels.Add("p!a", Of("old"));

        _clock.Advance(TimeSpan.FromMilliseconds(40));

        Assert.Equal(0, _channels.Count);
    }

    [Fact]
    public async Task Without_a_time_of_its_own_a_message_waits_as_long_here_as_in_the_broker()
    {
        await using var broker = new RabbitMQBroker(new RabbitMQOptions { Expiry = TimeSpan.FromMinutes(2) }, _clock, _loggers.CreateLogger<RabbitMQBroker>());
        await using var channels = new LocalChannels(broker);
        channels.Add("p!a", Of("1"));

        _clock.Advance(TimeSpan.FromSeconds(119));
        Assert.Equal(1, channels.Count);
        _clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(0, channels.Count);
    }

    [Fact]
    public async Task Nothing_is_looked_for_after_the_end()
    {
        Assert.Equal(1, _clock.ArmedTimers);

        await _channels.DisposeAsync();

        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact] // RM-24
    public async Task The_end_ends_those_that_wait()
    {
        using var cancel = new CancellationTokenSource();
        var waits = _channels.ReceiveAsync("p!a", cancel.Token).AsTask();

        await _channels.DisposeAsync();
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(waits, "the end"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReceiveAsync("p!a"));
        Assert.True(_channels.Add("p!a", Of("late")));
    }

    private static Message Of(string type) => new(type, default);

    private int Fill() => Enumerable.Range(0, 1000).Count(i => _channels.Add($"p!{i}", Of("x")));

    private Task<Message> ReceiveAsync(ChannelName channel) => Wait.For(_channels.ReceiveAsync(channel, CancellationToken.None).AsTask(), "a message");
}
