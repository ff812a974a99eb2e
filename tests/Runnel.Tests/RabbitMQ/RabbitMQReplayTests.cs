using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Replaying dead letters, where the broker shows them only to whoever has taken them.</summary>
public sealed class RabbitMQReplayTests(SharedRabbitServer server) : RabbitMQQueueTests(server, shards: 2)
{
    [Fact]
    public async Task A_replay_that_fails_leaves_the_dead_letters_to_whoever_comes_next()
    {
        await PutAsideAsync(Of("1"), Of("2"));
        await Place.Host.LimitAsync($"runnel.q:{Channel}", messages: 0);
        await Wait.Until(async () => await Record.ExceptionAsync(() => Queue.EnqueueAsync(Channel, [Of("fills it")], EnqueueOptions.Default).AsTask()) is IOException, "the queue is full");

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(Queue.ReplayAsync(Channel, DeadLetterFilter.All).AsTask(), "the failure"));

        var other = Open();
        await Wait.Until(async () => (await other.ListDeadLettersAsync(Channel, DeadLetterFilter.All, limit: 10)).Count == 2, "another process sees both");
    }

    [Fact]
    public async Task A_dead_letter_with_a_key_is_replayed_by_a_process_that_knows_nothing_of_its_channel()
    {
        await PutAsideAsync(Of("1", KeyOn(0)));
        await Place.Host.DeleteQueueAsync("runnel.channels");
        var other = Open();

        Assert.Equal(1, await Wait.For(other.ReplayAsync(Channel, DeadLetterFilter.All).AsTask(), "the replay"));

        await using var lease = await other.OpenReceiverAsync(new ReceiverOptions());
        Assert.Equal("1", Text(await TakeOneAsync(lease)));
    }

    private async Task PutAsideAsync(params Envelope[] messages)
    {
        await Queue.EnqueueAsync(Channel, messages, EnqueueOptions.Default);
        await using var lease = await Queue.OpenReceiverAsync(new ReceiverOptions());
        foreach (var _ in messages)
            Assert.True(await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, "It never works."));
    }
}
