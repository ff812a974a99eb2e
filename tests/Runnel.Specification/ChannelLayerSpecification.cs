using System.Text.Json;
using Runnel.ChannelLayers;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>
/// The promises of <see cref="IChannelLayer"/>, on any layer. The IDs are those of the list of behaviours that the suites of Django's
/// layers test (spec/channels-semantics.md, E): CR channels_redis, IM and LY channels.
/// </summary>
public abstract partial class ChannelLayerSpecification : IAsyncLifetime
{
    private readonly List<IChannelLayer> _opened = [];

    /// <summary>The time.</summary>
    protected abstract SpecificationClock Clock { get; }

    /// <summary>The operator of the queue that all layers of the test share; <see langword="null"/> on a layer with <see cref="IDirectChannels"/>, which needs no queue.</summary>
    protected abstract IWorkQueueOperator? Operator { get; }

    /// <summary>Makes the layer of one more process, with a backplane and a queue of its own on the shared store; the suite disposes it.</summary>
    protected abstract ValueTask<IChannelLayer> CreateAsync(ChannelLayerOptions options);

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var layer in _opened.Cast<IAsyncDisposable>())
            await layer.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact] // CR-01, IM-01
    public async Task A_message_sent_to_a_channel_is_received_from_it_and_nothing_is_left()
    {
        var layer = await OpenAsync();
        var channel = await ChannelAsync(layer, "thumbnails");

        await layer.SendAsync(channel, new Message("resize", Of("photo").Body, new Dictionary<string, string> { ["h"] = "v" }));
        var received = await ReceiveAsync(layer, channel);

        Assert.Equal(("resize", "photo", "v"), (received.Type, Text(received), received.Headers["h"]));
        await AssertNothingLeftAsync();
    }

    [Fact] // CR-01: the specification lets receive wait
    public async Task A_receive_that_came_first_gets_the_message()
    {
        var layer = await OpenAsync();
        var channel = await ChannelAsync(layer, "thumbnails");

        var receiving = layer.ReceiveAsync(channel);
        await layer.SendAsync(channel, Of("late"));

        Assert.Equal("late", Text(await Wait.For(receiving.AsTask(), "the message")));
    }

    [Fact] // IM-02
    public async Task A_channel_that_was_emptied_while_a_receiver_waits_still_delivers_to_it()
    {
        var layer = await OpenAsync();
        var channel = await ChannelAsync(layer, "thumbnails");
        Task<Message>[] receiving = [layer.ReceiveAsync(channel).AsTask(), layer.ReceiveAsync(channel).AsTask()];

        await layer.SendAsync(channel, Of("1"));
        var first = await Wait.For(Task.WhenAny(receiving), "the first message"); // either may have asked first
        Assert.Equal("1", Text(await first));
        await layer.FlushAsync();
        await layer.SendAsync(channel, Of("2"));

        var second = receiving.Single(task => task != first);
        Assert.Equal("2", Text(await Wait.For(second, "the second message")));
    }

    [Fact] // CR-02, CR-05, IM-04
    public async Task A_new_channel_receives_what_is_sent_to_it_from_any_process()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());
        var channel = await mine.NewChannelAsync();

        await mine.SendAsync(channel, Of("here"));
        Assert.Equal("here", Text(await ReceiveAsync(mine, channel)));
        await other.SendAsync(channel, Of("there"));
        Assert.Equal("there", Text(await ReceiveAsync(mine, channel)));

        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_message_for_one_channel_of_a_process_does_not_reach_another_one_of_it()
    {
        var layer = await OpenAsync();
        var (a, b) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());

        var receivingB = layer.ReceiveAsync(b);
        await layer.SendAsync(a, Of("for a"));
        await layer.SendAsync(b, Of("for b"));

        Assert.Equal("for b", Text(await Wait.For(receivingB.AsTask(), "the message for b")));
        Assert.Equal("for a", Text(await ReceiveAsync(layer, a)));
    }

    [Fact] // CR-06, CR-21, IM-05
    public async Task Messages_arrive_in_the_order_sent()
    {
        var layer = await OpenAsync(options => options.Capacity = 1000);
        var specific = await layer.NewChannelAsync();

        foreach (var channel in new[] { await ChannelAsync(layer, "thumbnails"), specific })
        {
            for (var i = 0; i < 200; i++)
                await layer.SendAsync(channel, Of($"{i}"));
            for (var i = 0; i < 200; i++)
                Assert.Equal($"{i}", Text(await ReceiveAsync(layer, channel)));
        }
    }

    [Fact] // CR-08
    public async Task A_channel_of_another_process_cannot_be_received_from()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());
        var channel = await other.NewChannelAsync();

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.ReceiveAsync(channel));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.ReceiveAsync("foreign!name"));

        Assert.Contains(channel.Value, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("another process", refusal.Message, StringComparison.Ordinal);
    }

    [Fact] // CR-18, CR-19
    public async Task New_channels_have_names_of_their_own_that_begin_with_the_prefix()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());

        List<ChannelName> names = [];
        for (var i = 0; i < 1000; i++)
            names.Add(await (i % 2 == 0 ? mine : other).NewChannelAsync(i % 4 < 2 ? "specific" : "node-1.a_b"));

        Assert.Equal(1000, names.Distinct().Count());
        Assert.Equal(IsDirect ? 2 : 4, names.Select(name => name.QueueName).Distinct().Count());
        if (IsDirect)
            return; // it has names of its own
        Assert.Matches(@"\Aspecific\.[0-9a-f]{32}![0-9a-f]{32}\z", names[0].Value);
        Assert.Matches(@"\Anode-1\.a_b\.[0-9a-f]{32}![0-9a-f]{32}\z", names[2].Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a!b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("a-prefix-of-more-than-33-characters")]
    public async Task A_prefix_that_makes_no_name_is_refused(string prefix)
    {
        var layer = await OpenAsync();

        await Assert.ThrowsAsync<ArgumentException>(async () => await layer.NewChannelAsync(prefix));
    }

    [Fact] // CR-07, LY-05..LY-07; the grammar itself is ChannelName's
    public async Task A_bad_name_is_refused_with_a_sentence_that_says_the_limit()
    {
        var layer = await OpenAsync();

        foreach (var bad in new[] { "", "¯\\_(ツ)_/¯", "chat ", "chat\n", "x?", "a!b!c", "!b", "chät", new string('a', 100), new string('a', 400) })
        {
            var sending = await Assert.ThrowsAsync<ArgumentException>(async () => await layer.SendAsync(bad, Of("x")));
            await Assert.ThrowsAsync<ArgumentException>(async () => await layer.ReceiveAsync(bad));
            var joining = await Assert.ThrowsAsync<ArgumentException>(async () => await layer.AddToGroupAsync(bad, "chat"));
            Assert.Contains("99", sending.Message, StringComparison.Ordinal);
            Assert.Contains("99", joining.Message, StringComparison.Ordinal);
        }
        await Assert.ThrowsAsync<ArgumentException>(async () => await layer.AddToGroupAsync("a!b", "chat"));
        if (IsDirect)
            return; // and all other names are those that it made
        await layer.SendAsync("chat", Of("fine"));
        await layer.SendAsync(new string('a', 99), Of("fine"));
        await layer.SendAsync("node!", Of("fine"));
    }

    [Fact]
    public async Task A_message_of_a_mebibyte_passes_and_one_over_the_limit_is_refused()
    {
        var layer = await OpenAsync(options => options.MaxMessageBytes = 1_200_000);
        var channel = await ChannelAsync(layer, "big");
        var body = new byte[1024 * 1024];
        new Random(1).NextBytes(body);
        if (IsDirect)
            body = Of(new string('x', body.Length)).Body.ToArray(); // its bodies are JSON

        await layer.SendAsync(channel, new Message("bytes", body));
        var tooLarge = await Assert.ThrowsAsync<MessageTooLargeException>(async () => await layer.SendAsync(channel, new Message("bytes", new byte[1_200_001])));
        await Assert.ThrowsAsync<MessageTooLargeException>(async () => await layer.SendToGroupAsync("big", new Message("bytes", new byte[1_200_001])));

        Assert.Equal(1_200_000, tooLarge.Limit);
        Assert.True(tooLarge.Size > 1_200_001);
        Assert.True((await ReceiveAsync(layer, channel)).Body.Span.SequenceEqual(body));
    }

    [Fact] // A.4
    public async Task What_the_sender_does_to_the_body_later_does_not_change_the_message()
    {
        var layer = await OpenAsync();
        var channel = await ChannelAsync(layer, "thumbnails");
        var body = Of("before").Body.ToArray();
        var headers = new Dictionary<string, string> { ["h"] = "before" };

        await layer.SendAsync(channel, new Message("resize", body, headers));
        body.AsSpan().Fill((byte)'x');
        headers["h"] = "after";

        var received = await ReceiveAsync(layer, channel);
        Assert.Equal(("before", "before"), (Text(received), received.Headers["h"]));
    }

    [Fact] // no upstream test: "each message to at most one of them"
    public async Task Two_processes_on_one_channel_get_each_message_exactly_once()
    {
        if (LacksQueue("channels that processes share"))
            return;
        var (sender, one, two) = (await OpenAsync(options => options.Capacity = 5000), await OpenAsync(), await OpenAsync());
        var received = new System.Collections.Concurrent.ConcurrentBag<string>();
        var left = 3000;

        async Task ReceiveAllAsync(IChannelLayer layer)
        {
            while (Interlocked.Decrement(ref left) >= 0)
                received.Add(Text(await layer.ReceiveAsync("jobs")));
        }
        var receiving = Task.WhenAll(new[] { one, two, one, two }.Select(layer => Task.Run(() => ReceiveAllAsync(layer))));
        for (var i = 0; i < 3000; i++)
            await sender.SendAsync("jobs", Of($"{i}"));
        await Wait.For(receiving, "3000 messages");

        Assert.Equal(3000, received.Distinct().Count());
        await AssertNothingLeftAsync();
    }

    /// <summary>Opens one more process.</summary>
    protected async Task<IChannelLayer> OpenAsync(Action<ChannelLayerOptions>? configure = null)
    {
        var options = new ChannelLayerOptions { Expiry = Clock.Units(100), GroupExpiry = Clock.Units(1000) };
        configure?.Invoke(options);
        var layer = await CreateAsync(options);
        _opened.Add(layer);
        return layer;
    }

    private static Message Of(string text) => new("test.message", JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["text"] = text }));

    private static string Text(Message message) => JsonElement.Parse(message.Body.Span).GetProperty("text").GetString()!;

    private static Task<Message> ReceiveAsync(IChannelLayer layer, ChannelName channel) =>
        Wait.For(layer.ReceiveAsync(channel).AsTask(), $"a message on '{channel}'");

    /// <summary>What is next on a channel that has nothing to receive: the marker sent now.</summary>
    private static async Task AssertNothingOnAsync(IChannelLayer layer, ChannelName channel)
    {
        await layer.SendAsync(channel, Of("marker"));
        Assert.Equal("marker", Text(await ReceiveAsync(layer, channel)));
    }
}
