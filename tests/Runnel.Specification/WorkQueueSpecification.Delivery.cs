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
            Key = KeyOf("order-7"),
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
    public async Task An_empty_key_and_a_deduplication_id_that_is_not_remembered_are_as_good_as_none()
    {
        Envelope Pay(string text, string id) => Of(text) with { Key = "", DeduplicationId = id };

        var stored = await EnqueueAsync(Pay("1", ""), Pay("2", "nonce"), Pay("3", "nonce"));
        var received = await TakeAllAsync(await WorkerAsync(), 3);

        Assert.Equal(3, stored);
        Assert.Equal(["1", "2", "3"], received.Select(Text));
        Assert.All(received, message => Assert.Equal((null, null), (message.Envelope.Key, message.Envelope.DeduplicationId)));
    }

    [Fact]
    public async Task A_message_of_another_layers_queue_is_refused()
    {
        var lease = await WorkerAsync();
        var foreign = new ReceivedMessage(Channel, Of("1"), Token: new object());

        await Assert.ThrowsAsync<ArgumentException>(async () => await lease.CompleteAsync(foreign));
        await Assert.ThrowsAsync<ArgumentException>(async () => await lease.AbandonAsync(foreign, new AbandonOptions()));
        await Assert.ThrowsAsync<ArgumentException>(async () => await lease.DeadLetterAsync(foreign, DeadLetterReason.Rejected, "no"));
    }

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
    public async Task Messages_without_a_key_are_handed_out_in_the_order_stored_and_up_to_the_number_asked_for()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync([.. Enumerable.Range(0, 30).Select(i => Of($"{i}"))]);
        await EnqueueAsync([.. Enumerable.Range(30, 30).Select(i => Of($"{i}"))]);

        var first = await TakeAsync(lease, 7);
        var rest = await TakeAllAsync(lease, 60 - first.Count);

        Assert.InRange(first.Count, 1, 7);
        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}"), first.Concat(rest).Select(Text));
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
    public async Task A_message_of_a_mebibyte_passes()
    {
        var body = new byte[1024 * 1024];
        new Random(1).NextBytes(body);

        await EnqueueAsync(new Envelope(new Message("bytes", body)) { Id = Of("").Id });

        Assert.True((await TakeOneAsync(await WorkerAsync())).Envelope.Message.Body.Span.SequenceEqual(body));
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

    // The message compares by reference; its parts are compared one by one.
    private static bool EnvelopesWithoutMessage(Envelope a, Envelope b) =>
        (a.Kind, a.Id, a.Channel, a.SentAt, a.NotBefore, a.ExpiresAt, a.Key, a.DeduplicationId, a.DeduplicationWindow, a.Attempt, a.Crashes)
        == (b.Kind, b.Id, b.Channel, b.SentAt, b.NotBefore, b.ExpiresAt, b.Key, b.DeduplicationId, b.DeduplicationWindow, b.Attempt, b.Crashes);
}
