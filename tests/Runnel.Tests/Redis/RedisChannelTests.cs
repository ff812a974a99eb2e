using Runnel.Layers;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What a process knows of a channel, and what the channel keeps of what it stored.</summary>
public sealed class RedisChannelTests(RedisServer server) : RedisQueueTests(server)
{
    [Fact]
    public void A_channel_that_somebody_is_about_to_send_to_is_not_forgotten()
    {
        var used = Queue.Channels.Enter("work");

        Queue.Channels.ForgetIdle();
        Assert.Same(used, Queue.Channels.ChannelOf("work"));

        used.Exit();
        Queue.Channels.ForgetIdle();
        Assert.NotSame(used, Queue.Channels.Enter("work"));
        Assert.False(used.TryEnter());
    }

    [Fact]
    public async Task A_send_that_has_ended_leaves_nothing_with_a_token_that_lives_on()
    {
        using var living = new CancellationTokenSource();
        var stored = await SendAsync(EnqueueOptions.Default with { Capacity = 1 });
        var refused = await SendAsync(EnqueueOptions.Default with { Capacity = 1 });

        await Wait.UntilForgotten(stored, refused);

        async Task<WeakReference> SendAsync(EnqueueOptions options)
        {
            try
            {
                await Queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(Time) }], options, living.Token);
            }
            catch (ChannelFullException)
            {
                // the second one
            }
            return new WeakReference(options);
        }
    }

    [Fact]
    public async Task A_receive_that_has_ended_leaves_nothing_with_a_token_that_lives_on()
    {
        using var living = new CancellationTokenSource();
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });

        var handled = await HandleAsync();

        await Wait.UntilForgotten(handled);

        async Task<WeakReference> HandleAsync()
        {
            await Queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default);
            var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1, living.Token).AsTask(), "the message"));
            Assert.True(await lease.CompleteAsync(message));
            return new WeakReference(message);
        }
    }

    [Fact]
    public async Task Senders_find_one_line_for_a_channel_however_often_it_is_forgotten()
    {
        using var done = new CancellationTokenSource();
        var forgetting = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
                Queue.Channels.ForgetIdle();
        });
        var used = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var channel = Queue.Channels.Enter("work");
                // Whoever is in use is the one that others find.
                Assert.Same(channel, Queue.Channels.ChannelOf("work"));
                Interlocked.Increment(ref used);
                channel.Exit();
            }
        })));
        await done.CancelAsync();
        await forgetting;

        Assert.Equal(80_000, used);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sender_that_waits_for_room_no_longer_leaves_no_timer(bool isStored)
    {
        var (first, options) = (NewMessage(), new EnqueueOptions { Capacity = 1, WaitForRoom = TimeSpan.FromDays(1) });
        using var leaves = new CancellationTokenSource();
        await Queue.EnqueueAsync("work", [first], options);
        var before = Time.ArmedTimers;
        var waiting = Queue.EnqueueAsync("work", [NewMessage()], options, leaves.Token).AsTask();
        await Wait.Until(() => Time.ArmedTimers == before + 1, "it waits");

        if (isStored)
        {
            Assert.True(await Queue.CancelAsync("work", first.Id));
            Assert.Equal(1, await Wait.For(waiting, "room"));
        }
        else
        {
            await leaves.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(waiting, "the end of the wait"));
        }

        await Wait.Until(() => Time.ArmedTimers == before, "its timer is gone");
    }

    [Fact]
    public async Task A_channel_that_nobody_has_to_do_with_is_forgotten_when_all_are_put_in_order()
    {
        var known = Queue.Channels.ChannelOf("work");

        await Queue.Sweeper.SweepAllAsync(LeasesEnded.None);

        Assert.NotSame(known, Queue.Channels.ChannelOf("work"));
    }

    [Fact]
    public async Task A_short_deduplication_window_does_not_end_the_longer_ones_of_its_channel()
    {
        Envelope Pay(string id, TimeSpan window) => NewMessage() with { DeduplicationId = id, DeduplicationWindow = window };
        await Queue.EnqueueAsync("work", [Pay("long", TimeSpan.FromHours(1))], EnqueueOptions.Default);

        await Queue.EnqueueAsync("work", [Pay("short", TimeSpan.FromMinutes(1))], EnqueueOptions.Default);

        Assert.InRange(Place.Probe.TimeToLive(Key("seen"))!.Value, TimeSpan.FromMinutes(30), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task What_is_given_back_keeps_its_place_also_when_the_numbers_of_places_have_begun_anew()
    {
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions { LeaseDuration = TimeSpan.FromDays(30) });
        await Queue.EnqueueAsync("work", [NewMessage("1"), NewMessage("2"), NewMessage("3")], EnqueueOptions.Default);
        var held = (await Wait.For(lease.ReceiveAsync("work", 2).AsTask(), "the first two")).ToList();
        Time.Advance(TimeSpan.FromHours(1));
        Place.Probe.Ask("DEL", Key("order")); // by the server's clock it goes an hour after it began
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
            () => Queue.EnqueueAsync("work", [.. Enumerable.Repeat(new Envelope(message) { Id = MessageId.New(Time) }, count)], EnqueueOptions.Default).AsTask());

        Assert.Contains($"{count} for channel 'work'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("in parts", refusal.Message, StringComparison.Ordinal);
    }
}
