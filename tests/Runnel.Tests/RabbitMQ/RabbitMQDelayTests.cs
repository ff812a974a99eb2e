using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Delays across the processes that hold them.</summary>
public sealed class RabbitMQDelayTests(SharedRabbitServer server) : IAsyncLifetime
{
    private const int RelayedToNowhere = 4222;
    private static readonly ChannelName Channel = "reminders";

    private RabbitPlace _place = null!;

    public async ValueTask InitializeAsync() => _place = await RabbitPlace.CreateAsync(server);

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task What_a_process_held_until_its_time_comes_from_another_one_when_it_has_left_and_not_too_soon()
    {
        var (soon, later) = (TimeSpan.FromSeconds(1.5), TimeSpan.FromMilliseconds(DelayLadder.Held + 20));
        await using var stays = new RabbitMQWorkQueue(_place.Open());
        var leaves = new RabbitMQWorkQueue(_place.Open());
        await using var holder = await leaves.OpenReceiverAsync(new ReceiverOptions());
        var sent = TimeProvider.System.GetTimestamp();
        await stays.EnqueueAsync(Channel, [Of(soon), Of(later)], EnqueueOptions.Default);
        await using var lease = await stays.OpenReceiverAsync(new ReceiverOptions());

        await holder.DisposeAsync();
        await leaves.DisposeAsync();

        foreach (var delay in new[] { soon, later })
        {
            var message = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message"));
            Assert.True(TimeProvider.System.GetElapsedTime(sent) >= delay, "It came before its time.");
            Assert.True(await lease.CompleteAsync(message));
        }
    }

    [Fact]
    public async Task A_message_whose_queue_is_deleted_before_its_time_arrives_and_it_is_told()
    {
        using var log = new RecordedLog();
        await using var queue = new RabbitMQWorkQueue(_place.Open(log: log));
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync(Channel, [Of(TimeSpan.FromMilliseconds(DelayLadder.Held - 100))], EnqueueOptions.Default);

        await _place.Host.DeleteQueueAsync($"runnel.q:{Channel}");

        await Wait.Until(() => log.Of(RelayedToNowhere).Any(), "it is told");
        Assert.Contains($"'runnel.q:{Channel}'", Assert.Single(log.Of(RelayedToNowhere)).Text, StringComparison.Ordinal);
        Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message"));
    }

    private static Envelope Of(TimeSpan delay) => new(new Message("remind", default)) { Id = MessageId.New(TimeProvider.System), Delay = delay };
}
