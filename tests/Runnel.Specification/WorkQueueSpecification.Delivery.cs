using System.Collections.Concurrent;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task A_message_arrives_with_all_that_it_was_sent_with()
    {
        var sent = new Envelope(new Message("pay", "{}"u8.ToArray(), new Dictionary<string, string> { ["traceparent"] = "00-a" }))
        {
            Id = Of("").Id,
            Channel = Channel,
            SentAt = DateTimeOffset.FromUnixTimeMilliseconds(Clock.Now.ToUnixTimeMilliseconds()),
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(Clock.Now.ToUnixTimeMilliseconds()) + TimeSpan.FromDays(1),
            Key = "order-7",
        };
        if (Queue.Features.HasFlag(WorkQueueFeatures.Deduplicate))
            sent = sent with { DeduplicationId = "nonce", DeduplicationWindow = TimeSpan.FromDays(1) };

        Assert.Equal(1, await EnqueueAsync(sent));
        var received = await TakeOneAsync(await WorkerAsync());

        Assert.Equal(Channel, received.Channel);
        Assert.Equal(sent.Id, received.Id);
        Assert.Equal(sent, received.Envelope with { }, EnvelopesWithoutMessage);
        Assert.Equal(("pay", "{}", "00-a"), (received.Envelope.Message.Type, Text(received), received.Envelope.Message.Headers["traceparent"]));
    }

    [Fact]
    public async Task What_the_sender_does_to_the_body_later_does_not_change_the_message()
    {
        var body = "before"u8.ToArray();
        await EnqueueAsync(new Envelope(new Message("pay", body)) { Id = Of("").Id });

        body.AsSpan().Fill((byte)'x');

        Assert.Equal("before", Text(await TakeOneAsync(await WorkerAsync())));
    }

    [Fact]
    public async Task A_message_without_an_id_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(async () => await EnqueueAsync(new Envelope(new Message("pay", default))));

    [Fact]
    public async Task A_completed_message_is_gone_and_nothing_is_left()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));

        Assert.True(await lease.CompleteAsync(await TakeOneAsync(lease)));

        await AssertNothingHeldAsync();
        await lease.DisposeAsync();
        await AssertNothingReadyAsync();
    }

    [Fact]
    public async Task A_worker_that_waits_gets_the_message_that_comes()
    {
        var lease = await WorkerAsync();
        var receiving = lease.ReceiveAsync(Channel, 10).AsTask();
        Assert.False(receiving.IsCompleted);

        await EnqueueAsync(Of("late"));

        Assert.Equal("late", Text(Assert.Single(await Wait.For(receiving, "the message"))));
    }

    [Fact]
    public async Task Messages_without_a_key_are_handed_out_in_the_order_stored_and_up_to_the_number_asked_for()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync([.. Enumerable.Range(0, 30).Select(i => Of($"{i}"))]);
        await EnqueueAsync([.. Enumerable.Range(30, 30).Select(i => Of($"{i}"))]);

        Assert.InRange((await TakeAsync(lease, 7)).Count, 1, 7);
        await lease.DisposeAsync();
        var all = await TakeAllAsync(await WorkerAsync(), 60);

        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}"), all.Select(Text));
    }

    [Fact]
    public async Task A_message_in_a_workers_hands_is_nobody_elses()
    {
        var (one, two) = (await WorkerAsync(), await WorkerAsync());
        await EnqueueAsync(Of("1"), Of("2"));

        var (first, second) = (await TakeOneAsync(one), await TakeOneAsync(two));

        Assert.NotEqual(first.Id, second.Id);
        await AssertNothingReadyAsync();
    }

    [Fact]
    public async Task Channels_of_one_process_share_a_queue_and_the_full_name_travels_along()
    {
        await Queue.EnqueueAsync("node!a", [Of("1") with { Channel = "node!a" }], EnqueueOptions.Default);
        await Queue.EnqueueAsync("node!b", [Of("2") with { Channel = "node!b" }], EnqueueOptions.Default);
        var lease = await WorkerAsync();

        var first = await TakeOneAsync(lease, "node!");
        var second = await TakeOneAsync(lease, "node!c");

        Assert.Equal(("node!", "node!"), (first.Channel.Value, second.Channel.Value));
        Assert.Equal(("node!a", "node!b"), (first.Envelope.Channel!.Value.Value, second.Envelope.Channel!.Value.Value));
    }

    [Fact]
    public async Task A_cancelled_receive_takes_nothing_and_loses_nothing()
    {
        var lease = await WorkerAsync();
        List<string> received = [];
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            using var cancel = new CancellationTokenSource();
            var receiving = lease.ReceiveAsync(Channel, 5, cancel.Token).AsTask();
            var sending = Task.Run(() => EnqueueAsync(Of($"{i}")).AsTask());
            for (var spin = random.Next(3); spin > 0; spin--)
                await Task.Yield();
            await cancel.CancelAsync();
            await Wait.For(sending, "the message to be stored");
            try
            {
                foreach (var message in await Wait.For(receiving, "the cancelled receive to end"))
                {
                    received.Add(Text(message));
                    await lease.CompleteAsync(message);
                }
            }
            catch (OperationCanceledException)
            {
                // Then its message is still there.
            }
        }

        received.AddRange(await DrainAsync(lease, 200 - received.Count));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}").Order(), received.Order());
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_message_of_a_mebibyte_passes()
    {
        var body = new byte[1024 * 1024];
        new Random(1).NextBytes(body);

        await EnqueueAsync(new Envelope(new Message("bytes", body)) { Id = Of("").Id });

        Assert.True((await TakeOneAsync(await WorkerAsync())).Envelope.Message.Body.Span.SequenceEqual(body));
    }

    [Fact]
    public async Task A_message_stored_by_one_process_is_handled_in_another()
    {
        var other = await OpenedAsync();
        var lease = await WorkerAsync(queue: other.Queue);
        var waiting = lease.ReceiveAsync(Channel, 1).AsTask();

        await EnqueueAsync(Of("there"));
        var message = Assert.Single(await Wait.For(waiting, "the message in the other process"));

        Assert.Equal("there", Text(message));
        if (Queue.Features.HasFlag(WorkQueueFeatures.Cancel))
            Assert.False(await Queue.CancelAsync(Channel, message.Id));
        Assert.True(await lease.CompleteAsync(message));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_busy_channel_does_not_starve_a_quiet_one()
    {
        var lease = await WorkerAsync();
        using var stop = new CancellationTokenSource();
        await Queue.EnqueueAsync("busy", [.. Enumerable.Range(0, 200).Select(i => Of($"{i}"))], EnqueueOptions.Default);
        // For every message handled there is another one: the channel never runs dry.
        var busy = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                foreach (var message in await lease.ReceiveAsync("busy", 10))
                {
                    await Queue.EnqueueAsync("busy", [Of("more")], EnqueueOptions.Default);
                    await lease.CompleteAsync(message);
                }
            }
        });

        for (var i = 0; i < 20; i++)
        {
            await EnqueueAsync(Of($"quiet {i}"));
            Assert.Equal($"quiet {i}", Assert.Single(await DrainAsync(lease, 1)));
        }

        await stop.CancelAsync();
        await Wait.For(busy, "the busy channel's worker to stop");
    }

    [Fact]
    public async Task Four_workers_handle_ten_thousand_messages_once_each()
    {
        const int Count = 10_000;
        var other = await OpenedAsync();
        var handled = new ConcurrentDictionary<string, int>();
        using var done = new CancellationTokenSource();

        async Task WorkAsync(IWorkerLease lease)
        {
            try
            {
                while (true)
                {
                    foreach (var message in await lease.ReceiveAsync(Channel, 16, done.Token))
                    {
                        handled.AddOrUpdate(Text(message), 1, (_, times) => times + 1);
                        Assert.True(await lease.CompleteAsync(message));
                        if (handled.Count == Count)
                            await done.CancelAsync();
                    }
                }
            }
            catch (OperationCanceledException) when (done.IsCancellationRequested)
            {
                // All are handled.
            }
        }
        List<Task> working = [];
        for (var i = 0; i < 4; i++)
        {
            var lease = await WorkerAsync(queue: i % 2 == 0 ? Queue : other.Queue);
            working.Add(Task.Run(() => WorkAsync(lease)));
        }
        await Task.WhenAll(Enumerable.Range(0, 10).Select(sender => Task.Run(async () =>
        {
            for (var batch = 0; batch < 100; batch++)
                await EnqueueAsync([.. Enumerable.Range(0, Count / 1000).Select(i => Of($"{sender}.{batch}.{i}"))]);
        })));
        await Wait.For(Task.WhenAll(working), $"{Count} messages");

        Assert.Equal(Count, handled.Count);
        Assert.All(handled.Values, times => Assert.Equal(1, times));
        await AssertNothingHeldAsync();
    }

    // The message compares by reference; its parts are compared one by one.
    private static bool EnvelopesWithoutMessage(Envelope a, Envelope b) =>
        (a.Kind, a.Id, a.Channel, a.SentAt, a.NotBefore, a.ExpiresAt, a.Key, a.DeduplicationId, a.DeduplicationWindow, a.Attempt, a.Crashes)
        == (b.Kind, b.Id, b.Channel, b.SentAt, b.NotBefore, b.ExpiresAt, b.Key, b.DeduplicationId, b.DeduplicationWindow, b.Attempt, b.Crashes);
}
