using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Senders that wait for room.</summary>
public sealed class RedisRoomTests(RedisServer server) : RedisQueueTests(server)
{
    [Fact]
    public async Task A_sender_whose_wait_ends_as_room_is_asked_for_again_and_again_is_refused_only_if_nothing_was_stored()
    {
        var waits = new EnqueueOptions { Capacity = 1, WaitForRoom = TimeSpan.FromSeconds(1) };
        var sender = Queue.Channels.ChannelOf("work").Sender;
        using var end = new CancellationTokenSource();
        var asking = Task.Factory.StartNew(Ask, end.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default); // so that in each moment it may be asked

        for (var i = 0; i < 600; i++)
        {
            var (first, second) = (NewMessage(), NewMessage());
            await Queue.EnqueueAsync("work", [first], EnqueueOptions.Default);
            var waiting = Queue.EnqueueAsync("work", [second], waits).AsTask();
            await Wait.Until(() => !sender.IsIdle, "it waits");

            var makingRoom = Queue.CancelAsync("work", first.Id).AsTask();
            Time.Advance(TimeSpan.FromSeconds(1));

            Assert.True(await Wait.For(makingRoom, "the room"));
            var isStored = await Record.ExceptionAsync(() => Wait.For(waiting, "the end of the wait")) is not ChannelFullException;
            Assert.Equal(isStored, await Queue.CancelAsync("work", second.Id));
        }

        await end.CancelAsync();
        await Wait.For(asking, "the end");

        void Ask()
        {
            while (!end.IsCancellationRequested)
                sender.RoomMayBe();
        }
    }
}
