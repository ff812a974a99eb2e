using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Queues to which an operator has given a limit, and which are full. Runnel gives them none.</summary>
public sealed class RabbitMQFullQueueTests(SharedRabbitServer server) : IAsyncLifetime
{
    private const int RelayFailed = 4221;
    private const string Queue = "runnel.q:payments", Relay = "runnel.relay";
    private static readonly ChannelName Channel = "payments";

    private readonly RecordedLog _log = new();
    private RabbitPlace _place = null!;
    private RabbitMQBroker _broker = null!;
    private RabbitMQWorkQueue _queue = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _broker = _place.Open(log: _log);
        _queue = new RabbitMQWorkQueue(_broker);
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_message_whose_delay_is_over_waits_until_its_queue_has_room_and_a_sender_is_told_why_it_cannot_store()
    {
        await _place.Host.LimitAsync(Queue, messages: 0);
        await _queue.EnqueueAsync(Channel, [Of("fills it")], EnqueueOptions.Default);
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await _queue.EnqueueAsync(Channel, [Of("late", delay: 50)], EnqueueOptions.Default);
        await Wait.Until(() => _log.Of(RelayFailed).Any(), "it was refused");

        var refused = await Assert.ThrowsAnyAsync<IOException>(async () => await _queue.EnqueueAsync(Channel, [Of("refused")], EnqueueOptions.Default));

        Assert.Contains($"'{Queue}': a policy of your broker limits the queue", refused.Message, StringComparison.Ordinal);
        Assert.Equal("fills it", await HandleAsync(lease));
        Assert.Equal("late", await HandleAsync(lease));
    }

    [Fact]
    public async Task What_is_given_back_to_a_full_queue_stays_with_its_worker_until_there_is_room()
    {
        await _queue.EnqueueAsync(Channel, [Of("retried")], EnqueueOptions.Default);
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message"));
        await Wait.Until(async () => (await _place.Host.QueueAsync(Queue)).Consumers == 0, "nobody takes from the queue");
        await _place.Host.LimitAsync(Queue, messages: 0);
        await _queue.EnqueueAsync(Channel, [Of("fills it")], EnqueueOptions.Default);

        var givingBack = lease.AbandonAsync(message, new AbandonOptions()).AsTask();
        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.False(givingBack.IsCompleted);
        Assert.Equal("fills it", await HandleAsync(other));

        Assert.True(await Wait.For(givingBack, "it to be given back"));
        var again = Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "the message"));
        Assert.Equal((message.Id, 1, 0), (again.Id, again.Envelope.Attempt, again.Envelope.Crashes));
    }

    [Fact]
    public async Task A_message_on_its_way_from_one_step_of_its_delay_to_the_next_stays_where_it_is_while_the_relay_is_full()
    {
        await _place.Host.LimitAsync(Relay, messages: 0);
        await _queue.EnqueueAsync(Channel, [Of("early", delay: DelayLadder.Held - 100)], EnqueueOptions.Default); // nobody takes it from the relay yet
        var steps = await MakeStepsAsync(DelayLadder.Next(DelayLadder.Held + 100, seed: 0)!.Value.Milliseconds);
        await _queue.EnqueueAsync(Channel, [Of("late", delay: DelayLadder.Held + 100)], EnqueueOptions.Default);

        foreach (var step in steps)
            await Wait.Until(async () => await CountAsync(step) == 0, "the step is over");
        Assert.Equal(1u, await CountAsync(Relay));
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions()); // with it, somebody takes from the relay

        Assert.Equal("early", await HandleAsync(lease));
        Assert.Equal("late", await HandleAsync(lease));
    }

    [Fact]
    public async Task Of_a_batch_that_was_not_stored_the_sender_is_told_how_much_was()
    {
        await _place.Host.LimitAsync(Queue, messages: 0);
        await Wait.Until(async () => await Record.ExceptionAsync(() => _queue.EnqueueAsync(Channel, [Of("fills it")], EnqueueOptions.Default).AsTask()) is IOException, "the queue is full");

        var refused = await Assert.ThrowsAnyAsync<IOException>(async () => await _queue.EnqueueAsync(Channel, [Of("1"), Of("2"), Of("3")], EnqueueOptions.Default));

        Assert.StartsWith("0 of 3 messages to channel 'payments' were stored, the others perhaps not. RabbitMQ refused", refused.Message, StringComparison.Ordinal);
    }

    // Before there is a message in one, which might leave its step before its queue is told to try again soon.
    private async Task<List<string>> MakeStepsAsync(long milliseconds)
    {
        var plan = new QueuePlan(new RabbitMQOptions());
        await using var channel = await (await _broker.GetConnectionAsync()).CreateChannelAsync();
        List<string> made = [];
        foreach (var step in DelayLadder.Steps.Where(step => step.Milliseconds == milliseconds))
        {
            var queue = plan.DelayOf(step);
            await channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, queue.Arguments);
            await _place.Host.TryDeadLettersAgainSoonAsync(queue.Name);
            made.Add(queue.Name);
        }
        return made;
    }

    // What the broker lists is some seconds old.
    private async Task<uint> CountAsync(string queue)
    {
        await using var channel = await (await _broker.GetConnectionAsync()).CreateChannelAsync();
        return await channel.MessageCountAsync(queue);
    }

    private static Envelope Of(string text, long delay = 0) => new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System), Delay = TimeSpan.FromMilliseconds(delay) };

    private static async Task<string> HandleAsync(IWorkReceiver lease)
    {
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "a message"));
        Assert.True(await lease.CompleteAsync(message));
        return Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);
    }
}
