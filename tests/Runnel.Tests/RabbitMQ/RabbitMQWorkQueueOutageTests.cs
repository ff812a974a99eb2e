using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The work queue while its broker is killed, runs out of memory, or takes a message back.</summary>
[Collection(nameof(MortalRabbitServer))]
public sealed class RabbitMQWorkQueueOutageTests(MortalRabbitServer mortal)
{
    private const int Blocked = 4203, Unblocked = 4204, ReceiveFailed = 4226;
    private const string SyncNames = "mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()]";
    private static readonly ChannelName Channel = "work";

    private readonly RabbitServer _server = mortal.Server;

    [Fact]
    public async Task What_is_confirmed_while_the_broker_is_killed_is_handled_and_workers_go_on()
    {
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var queue = new RabbitMQWorkQueue(place.Open(options => options.OutageTimeout = TimeSpan.FromSeconds(20)));
        var stored = new ConcurrentDictionary<MessageId, bool>();
        var handled = new ConcurrentDictionary<MessageId, bool>();
        using var enough = new CancellationTokenSource();
        using var done = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 4).Select(_ => Task.Run(() => SendAsync(queue, stored, enough.Token))).ToList();
        var workers = Enumerable.Range(0, 2).Select(_ => Task.Run(() => WorkAsync(queue, handled, done.Token))).ToList();

        for (var kills = 0; kills < 2; kills++)
        {
            await AreHandledAsync(handled, senders.Concat(workers));
            // Of the queues that were declared in the last moments the broker has only the messages on disk. It would come back with queues that nobody leads.
            await _server.Probe.DoAsync(SyncNames);
            await _server.KillAsync();
            await _server.RestartAsync();
        }
        await AreHandledAsync(handled, senders.Concat(workers));
        await enough.CancelAsync();
        await Wait.For(Task.WhenAll(senders), "the senders to end");
        await Wait.Until(() => stored.Keys.All(handled.ContainsKey), "all that was confirmed is handled");
        await done.CancelAsync();
        await Wait.For(Task.WhenAll(workers), "the workers to end");
    }

    [Fact]
    public async Task While_the_broker_has_no_memory_what_is_stored_waits_and_then_fails_with_a_sentence()
    {
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        RabbitMQOptions used = null!;
        using var log = new RecordedLog();
        await using var queue = new RabbitMQWorkQueue(place.Open(options => used = options, log));
        await queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default);
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        var held = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        await _server.SetMemoryAlarmAsync(true);
        used.OutageTimeout = TimeSpan.FromSeconds(1);
        var givingBack = lease.AbandonAsync(held, AbandonOptions.Untouched).AsTask();
        var failure = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default).AsTask(), "the failure"));
        used.OutageTimeout = Wait.Limit;
        var waiting = queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default).AsTask();
        await _server.SetMemoryAlarmAsync(false);

        Assert.Contains("OutageTimeout", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, await Wait.For(waiting, "the message to be stored"));
        Assert.True(await Wait.For(givingBack, "it is given back"));
        Assert.Single(log.Of(Blocked));
        Assert.Single(log.Of(Unblocked));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("key")]
    public async Task What_is_settled_while_the_broker_takes_no_messages_is_settled_when_it_takes_them_again(string? key)
    {
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var patient = new RabbitMQWorkQueue(place.Open());
        await patient.EnqueueAsync(Channel, [NewMessage(key), NewMessage(key)], EnqueueOptions.Default);
        RabbitMQOptions used = null!;
        await using var queue = new RabbitMQWorkQueue(place.Open(options => used = options));
        await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        var first = Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        await _server.SetMemoryAlarmAsync(true);
        used.OutageTimeout = TimeSpan.FromSeconds(1); // not before, since a busy machine may need longer for what comes first
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default).AsTask(), "the broker to take nothing"));
        var retried = worker.AbandonAsync(first, new AbandonOptions()).AsTask();
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default).AsTask(), "a wait that began later to be over"));
        used.OutageTimeout = Wait.Limit;
        await _server.SetMemoryAlarmAsync(false);

        Assert.True(await Wait.For(retried, "the settling"));
        List<ReceivedMessage> taken = [];
        while (taken.All(message => message.Id != first.Id))
        {
            taken.AddRange(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the message again"));
            Assert.True(await worker.CompleteAsync(taken[^1]));
        }
        Assert.Equal(1, taken[^1].Envelope.Attempt);
    }

    [Fact]
    public async Task What_could_not_be_given_back_while_the_broker_took_no_messages_is_given_back_when_it_takes_them_again()
    {
        const int Count = 5;
        using var log = new RecordedLog();
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var patient = new RabbitMQWorkQueue(place.Open());
        RabbitMQOptions used = null!;
        await using var queue = new RabbitMQWorkQueue(place.Open(options => used = options, log));
        await patient.EnqueueAsync(Channel, [.. Enumerable.Range(0, Count).Select(_ => NewMessage())], EnqueueOptions.Default);
        await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        await using var other = await queue.OpenReceiverAsync(new ReceiverOptions());

        // The first that comes is handed out, and nobody asks for the others.
        await _server.SetMemoryAlarmAsync(true);
        var held = await Wait.For(worker.ReceiveAsync(Channel, Count).AsTask(), "the first message");
        used.OutageTimeout = TimeSpan.FromSeconds(1); // not before, since a busy machine may need longer for what comes first
        await Wait.Until(() => log.Of(ReceiveFailed).Any(), "the others could not be given back");
        used.OutageTimeout = Wait.Limit;
        await _server.SetMemoryAlarmAsync(false);

        // The broker may have stored what it has not answered for, so that they may come twice. Whatever stays in the hands of a worker comes with a crash when that leaves.
        await DrainAsync(seen => seen.Select(message => message.Id).Distinct().Count() == Count - held.Count);
        await Wait.Until(async () => await place.Host.CountHeldAsync($"runnel.q:{Channel}") == held.Count, "the worker has nothing but what it handed out");
        Assert.True(await worker.CompleteAsync(held[0]));
        await worker.DisposeAsync();
        var marker = NewMessage();
        await patient.EnqueueAsync(Channel, [marker], EnqueueOptions.Default);
        var last = await DrainAsync(seen => seen.Exists(message => message.Id == marker.Id));
        Assert.All(last, message => Assert.Equal(0, message.Envelope.Crashes));

        async Task<List<ReceivedMessage>> DrainAsync(Func<List<ReceivedMessage>, bool> isEnough)
        {
            List<ReceivedMessage> seen = [];
            while (!isEnough(seen))
            {
                foreach (var message in await Wait.For(other.ReceiveAsync(Channel, Count).AsTask(), "the others"))
                {
                    Assert.True(await other.CompleteAsync(message));
                    seen.Add(message);
                }
            }
            return seen;
        }
    }

    [Fact]
    public async Task A_delay_that_is_not_over_when_the_broker_is_killed_ends_after_it_has_come_back()
    {
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var queue = new RabbitMQWorkQueue(place.Open(options => options.OutageTimeout = TimeSpan.FromSeconds(20)));
        await using (await queue.OpenReceiverAsync(new ReceiverOptions()))
        {
            var delayed = NewMessage() with { Delay = TimeSpan.FromSeconds(2) };
            await queue.EnqueueAsync(Channel, [delayed], EnqueueOptions.Default);
            await _server.Probe.DoAsync(SyncNames);

            await _server.KillAsync();
            await _server.RestartAsync();

            await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
            var taken = Assert.Single(await Wait.For(worker.ReceiveAsync(Channel, 1).AsTask(), "the delayed message"));
            Assert.Equal(delayed.Id, taken.Id);
            Assert.True(await worker.CompleteAsync(taken));
        }
    }

    [Fact]
    public async Task A_worker_that_holds_a_message_for_longer_than_the_broker_allows_loses_it_and_another_goes_on()
    {
        await mortal.Server.SetDeliveryTimeoutAsync(TimeSpan.FromSeconds(1));
        await using var place = new RabbitPlace(await mortal.Server.CreateHostAsync());
        await using var queue = new RabbitMQWorkQueue(place.Open());
        await using var slow = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync(Channel, [NewMessage()], EnqueueOptions.Default);
        var held = Assert.Single(await Wait.For(slow.ReceiveAsync(Channel, 1).AsTask(), "the message"));

        await Wait.Until(() => slow.Lost.IsCancellationRequested, "the worker learns that it is no longer its own");
        await mortal.Server.SetDeliveryTimeoutAsync(null); // or a busy machine might cost the other one its message, too
        await using var other = await queue.OpenReceiverAsync(new ReceiverOptions());
        var again = Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "the message again"));

        Assert.False(await slow.CompleteAsync(held));
        Assert.Equal((held.Id, 1), (again.Id, again.Envelope.Crashes));
        Assert.True(await other.CompleteAsync(again));
    }

    private static Task AreHandledAsync(ConcurrentDictionary<MessageId, bool> handled, IEnumerable<Task> running)
    {
        var before = handled.Count;
        return Wait.Until(
            () =>
            {
                Assert.All(running, task => Assert.False(task.IsFaulted, $"{task.Exception}"));
                return handled.Count >= before + 100;
            },
            "100 more are handled");
    }

    private static async Task SendAsync(RabbitMQWorkQueue queue, ConcurrentDictionary<MessageId, bool> stored, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            var message = NewMessage();
            try
            {
                await queue.EnqueueAsync(Channel, [message], EnqueueOptions.Default, CancellationToken.None);
                stored[message.Id] = true;
            }
            catch (IOException)
            {
                // Perhaps stored, and not confirmed.
            }
        }
    }

    private static async Task WorkAsync(RabbitMQWorkQueue queue, ConcurrentDictionary<MessageId, bool> handled, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions(), CancellationToken.None);
            try
            {
                while (true)
                {
                    foreach (var message in await lease.ReceiveAsync(Channel, 20, done))
                    {
                        handled[message.Id] = true;
                        await lease.CompleteAsync(message, CancellationToken.None);
                    }
                }
            }
            catch (Exception exception) when (exception is LeaseLostException or OperationCanceledException)
            {
                // The next one.
            }
        }
    }

    private static Envelope NewMessage(string? key = null) => new(new Message("do", default)) { Id = MessageId.New(TimeProvider.System), Key = key };
}
