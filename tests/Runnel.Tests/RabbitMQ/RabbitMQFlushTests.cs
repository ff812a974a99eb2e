using System.Text;
using RabbitMQ.Client.Exceptions;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What a process sends and receives after another one has flushed: the queues that it knows are gone.</summary>
public sealed class RabbitMQFlushTests(SharedRabbitServer server) : IAsyncLifetime
{
    private static readonly ChannelName Channel = "reminders";
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(200);

    private RabbitPlace _place = null!;
    private RabbitMQBroker _broker = null!;
    private RabbitMQWorkQueue _queue = null!;
    private RabbitMQWorkQueue _other = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _broker = _place.Open(options => options.KeyShards = 1);
        _queue = new RabbitMQWorkQueue(_broker);
        _other = new RabbitMQWorkQueue(_place.Open());
    }

    public async ValueTask DisposeAsync()
    {
        await _other.DisposeAsync();
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(null, true)]
    [InlineData("key", false)]
    [InlineData("key", true)]
    public async Task A_worker_that_waits_gets_what_is_sent_after_the_flush(string? key, bool isDelayed)
    {
        await using var worker = await WorkerOfTheQueue.OpenAsync(_queue);
        await _queue.EnqueueAsync(Channel, [Of("before", key)], EnqueueOptions.Default);
        Assert.True(await worker.CompleteAsync(await worker.TakeOneAsync()));
        var waiting = worker.TakeOneAsync();

        await _other.FlushAsync();
        await _queue.EnqueueAsync(Channel, [Of("after", key, isDelayed ? Soon : default)], EnqueueOptions.Default);

        var message = await waiting;
        Assert.Equal("after", Encoding.UTF8.GetString(message.Envelope.Message.Body.Span));
        Assert.True(await worker.CompleteAsync(message));
    }

    [Fact]
    public async Task A_delayed_message_that_is_sent_after_the_flush_is_stored_at_its_time_though_no_worker_asks_for_it()
    {
        await using var worker = await WorkerOfTheQueue.OpenAsync(_queue);
        await _queue.EnqueueAsync(Channel, [Of("before")], EnqueueOptions.Default);

        await _other.FlushAsync();
        await _queue.EnqueueAsync(Channel, [Of("after", delay: Soon)], EnqueueOptions.Default);

        await Wait.Until(async () => (await _place.Host.QueuesAsync()).Any(queue => queue.Name == $"runnel.q:{Channel}"), "its queue is there again");
        Assert.Equal("after", Encoding.UTF8.GetString((await worker.TakeOneAsync()).Envelope.Message.Body.Span));
    }

    [Fact]
    public async Task A_queue_that_the_broker_has_not_deleted_wholly_is_made_anew_when_it_has()
    {
        await _queue.EnqueueAsync(Channel, [Of("before")], EnqueueOptions.Default);

        await _other.FlushAsync();
        await _place.Host.OccupyAsync($"runnel.q:{Channel}", TimeSpan.FromSeconds(1));
        await _queue.EnqueueAsync(Channel, [Of("after")], EnqueueOptions.Default);

        await using var worker = await WorkerOfTheQueue.OpenAsync(_queue);
        Assert.Equal("after", Encoding.UTF8.GetString((await worker.TakeOneAsync()).Envelope.Message.Body.Span));
    }

    [Fact]
    public async Task A_queue_that_the_broker_cannot_make_is_tried_some_times_and_the_send_fails()
    {
        await _queue.EnqueueAsync(Channel, [Of("before")], EnqueueOptions.Default);

        await _other.FlushAsync();
        await _place.Host.OccupyAsync($"runnel.q:{Channel}", TimeSpan.FromMinutes(5));

        var exception = await Assert.ThrowsAsync<RabbitUnavailableException>(() => Wait.For(_queue.EnqueueAsync(Channel, [Of("after")], EnqueueOptions.Default).AsTask(), "the end of the tries"));
        Assert.Contains($"could not make the queue 'runnel.q:{Channel}', 6 times in a row", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("key")]
    public async Task The_first_worker_of_a_process_that_has_only_sent_before_the_flush_gets_what_is_sent_afterwards(string? key)
    {
        await _queue.EnqueueAsync(Channel, [Of("before", key), Of("before", delay: Soon)], EnqueueOptions.Default);

        await _other.FlushAsync();
        await using var worker = await WorkerOfTheQueue.OpenAsync(_queue);
        var waiting = worker.TakeOneAsync();
        await _other.EnqueueAsync(Channel, [Of("after", key)], EnqueueOptions.Default);

        var message = await waiting;
        Assert.Equal("after", Encoding.UTF8.GetString(message.Envelope.Message.Body.Span));
        Assert.True(await worker.CompleteAsync(message));
    }

    [Fact]
    public async Task A_worker_is_counted_among_those_that_share_the_keys_after_the_flush_too()
    {
        await using var worker = await WorkerOfTheQueue.OpenAsync(_queue);
        await _queue.EnqueueAsync(Channel, [Of("before", "key")], EnqueueOptions.Default);
        Assert.True(await worker.CompleteAsync(await worker.TakeOneAsync()));
        var waiting = worker.TakeOneAsync();
        await Wait.Until(async () => await CountWorkersAsync() == 1, "the worker is counted");

        await _other.FlushAsync();

        await Wait.Until(async () => await CountWorkersAsync() == 1, "the worker is counted again");
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task A_delayed_message_finds_the_relay_at_the_end_of_its_step_though_no_process_has_had_a_worker()
    {
        await _queue.EnqueueAsync(Channel, [Of("later", delay: TimeSpan.FromMilliseconds(DelayLadder.Held + 20))], EnqueueOptions.Default);

        Assert.Contains(await _place.Host.QueuesAsync(), queue => queue.Name == "runnel.relay");
    }

    private static Envelope Of(string text, string? key = null, TimeSpan delay = default) =>
        new(new Message("remind", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System), Key = key, Delay = delay };

    // What the broker lists is some seconds old; and after a flush there is no queue for a moment.
    private async Task<uint> CountWorkersAsync()
    {
        await using var channel = await (await _broker.GetConnectionAsync()).CreateChannelAsync();
        try
        {
            return await channel.ConsumerCountAsync($"runnel.workers:{Channel}");
        }
        catch (OperationInterruptedException)
        {
            return 0;
        }
    }

    /// <summary>A worker as the layer asks for it: when its lease is lost, it opens a new receiver and goes on. A queue that two processes make at once may cost a lease.</summary>
    private sealed class WorkerOfTheQueue : IAsyncDisposable
    {
        private const int MostLosses = 3;

        private readonly RabbitMQWorkQueue _queue;
        private IWorkReceiver _lease;
        private int _losses;

        private WorkerOfTheQueue(RabbitMQWorkQueue queue, IWorkReceiver lease) => (_queue, _lease) = (queue, lease);

        public static async Task<WorkerOfTheQueue> OpenAsync(RabbitMQWorkQueue queue) => new(queue, await queue.OpenReceiverAsync(new ReceiverOptions()));

        public async Task<ReceivedMessage> TakeOneAsync()
        {
            while (true)
            {
                try
                {
                    return Assert.Single(await Wait.For(_lease.ReceiveAsync(Channel, 1).AsTask(), "a message"));
                }
                catch (LeaseLostException) when (++_losses <= MostLosses)
                {
                    await _lease.DisposeAsync();
                    _lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
                }
            }
        }

        public ValueTask<bool> CompleteAsync(ReceivedMessage message) => _lease.CompleteAsync(message);

        public ValueTask DisposeAsync() => _lease.DisposeAsync();
    }
}
