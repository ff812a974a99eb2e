using Xunit;

namespace Runnel.Specification;

public abstract partial class ChannelLayerSpecification
{
    [Fact]
    public async Task Messages_of_a_specific_channel_stay_in_order_while_others_are_read()
    {
        var layer = await OpenAsync(options => options.Capacity = 1000);
        var (slow, quick) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());

        for (var i = 0; i < 50; i++)
        {
            await layer.SendAsync(slow, Of($"s{i}"));
            await layer.SendAsync(quick, Of($"q{i}"));
            Assert.Equal($"q{i}", Text(await ReceiveAsync(layer, quick)));
            if (i % 3 == 2)
                Assert.Equal($"s{i / 3}", Text(await ReceiveAsync(layer, slow)));
        }

        for (var i = 16; i < 50; i++)
            Assert.Equal($"s{i}", Text(await ReceiveAsync(layer, slow)));
    }

    [Fact]
    public async Task What_was_moved_out_of_the_way_comes_before_what_came_later()
    {
        var layer = await OpenAsync(options => options.Capacity = 1000);
        var (slow, quick) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());

        for (var round = 0; round < 30; round++)
        {
            for (var i = 0; i < 5; i++)
                await layer.SendAsync(slow, Of($"{i}"));
            await AssertNothingOnAsync(layer, quick); // moves the five out of the way
            for (var i = 5; i < 15; i++)
                await layer.SendAsync(slow, Of($"{i}"));
            var receiving = Enumerable.Range(0, 15).Select(_ => layer.ReceiveAsync(slow).AsTask()).ToList();
            for (var i = 0; i < 15; i++)
                Assert.Equal($"{i}", Text(await Wait.For(receiving[i], $"message {i}")));
        }
    }

    [Fact] // A.5
    public async Task Who_waits_first_is_served_first()
    {
        var layer = await OpenAsync();
        // A layer's very first receives wait together until it is known to the queue; there is no order in that.
        await AssertNothingOnAsync(layer, await ChannelAsync(layer, "first"));

        foreach (var channel in new[] { await ChannelAsync(layer, "thumbnails"), await layer.NewChannelAsync() })
        {
            var waiting = Enumerable.Range(0, 5).Select(_ => layer.ReceiveAsync(channel).AsTask()).ToList();
            for (var i = 0; i < 5; i++)
                await layer.SendAsync(channel, Of($"{i}"));
            for (var i = 0; i < 5; i++)
                Assert.Equal($"{i}", Text(await Wait.For(waiting[i], $"message {i}")));
        }
    }

    [Fact] // CR-17, which fails upstream
    public async Task Cancelling_receives_at_any_moment_neither_loses_a_message_nor_blocks()
    {
        var layer = await OpenAsync(options => options.Capacity = 10_000);

        foreach (var channel in new[] { await ChannelAsync(layer, "thumbnails"), await layer.NewChannelAsync() })
        {
            List<string> received = [];
            var random = new Random(7);
            for (var i = 0; i < 300; i++)
            {
                using var cancel = new CancellationTokenSource();
                var receiving = layer.ReceiveAsync(channel, cancel.Token).AsTask();
                var sending = Task.Run(() => layer.SendAsync(channel, Of($"{i}")).AsTask());
                for (var spin = random.Next(3); spin > 0; spin--)
                    await Task.Yield();
                await cancel.CancelAsync();
                await Wait.For(sending, "the send");
                try
                {
                    received.Add(Text(await Wait.For(receiving, "the cancelled receive to end")));
                }
                catch (OperationCanceledException)
                {
                    // Then its message is still there.
                }
            }
            while (received.Count < 300)
                received.Add(Text(await ReceiveAsync(layer, channel)));

            Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}").Order(), received.Order());
        }
    }

    [Fact]
    public async Task Receiving_with_a_token_that_is_cancelled_already_takes_nothing()
    {
        var layer = await OpenAsync();
        var (channel, normal) = (await layer.NewChannelAsync(), await ChannelAsync(layer, "thumbnails"));
        await layer.SendAsync(channel, Of("stays"));
        await layer.SendAsync(normal, Of("stays"));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await layer.ReceiveAsync(channel, new CancellationToken(true)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await layer.ReceiveAsync(normal, new CancellationToken(true)));

        Assert.Equal("stays", Text(await ReceiveAsync(layer, channel)));
        Assert.Equal("stays", Text(await ReceiveAsync(layer, normal)));
    }

    [Fact]
    public async Task Disposing_ends_the_receives_that_wait()
    {
        var layer = await OpenAsync();
        var specific = layer.ReceiveAsync(await layer.NewChannelAsync()).AsTask();
        var channel = await ChannelAsync(layer, "thumbnails");
        var normal = layer.ReceiveAsync(channel).AsTask();

        await ((IAsyncDisposable)layer).DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(specific, "the end of the receive"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(normal, "the end of the receive"));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.SendAsync(channel, Of("x")));
    }
}
