using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

/// <summary>Receiving from a queue that answers late, as a broker may.</summary>
public sealed class ChannelLayerReceiveTests
{
    private static readonly Message Message = new("tick", default);

    private readonly SharedMemory _memory = new();

    [Fact]
    public async Task A_receive_that_is_cancelled_while_its_message_expires_ends_and_takes_no_later_message()
    {
        var slow = new SlowQueue(_memory.Queue);
        await using var layer = _memory.Open(queue: slow);
        var (parked, read) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        await layer.SendAsync(parked, Message);
        await layer.SendAsync(read, Message);
        await layer.ReceiveAsync(read);
        using var cancelled = new CancellationTokenSource();
        var receiving = layer.ReceiveAsync(parked, cancelled.Token).AsTask();
        await Wait.For(slow.Cancelling, "the layer to take the message out of the queue");

        await cancelled.CancelAsync();
        _memory.Clock.Advance(new ChannelLayerOptions().Expiry);
        slow.GoOn();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(receiving, "the end of the receive"));
        await layer.SendAsync(parked, Message);
        await Wait.For(layer.ReceiveAsync(parked).AsTask(), "the later message");
    }

    [Fact]
    public async Task A_receive_that_is_cancelled_when_its_message_was_taken_returns_the_message()
    {
        using var cancelled = new CancellationTokenSource();
        var lease = new CancellingLease(await _memory.Queue.OpenReceiverAsync(new ReceiverOptions()), cancelled);
        await using var layer = _memory.Open(queue: new SlowQueue(_memory.Queue) { FirstLease = lease });
        await layer.SendAsync("thumbnails", Message);

        var received = await Wait.For(layer.ReceiveAsync("thumbnails", cancelled.Token).AsTask(), "the message");

        Assert.Equal(Message.Type, received.Type);
        Assert.Empty(await _memory.Queue.ListChannelsAsync());
    }

    [Fact]
    public async Task A_receive_goes_on_under_a_new_lease_before_the_token_of_the_lost_one_says_so()
    {
        var lost = new LostLease();
        await using var layer = _memory.Open(queue: new SlowQueue(_memory.Queue) { FirstLease = lost });
        await layer.SendAsync("thumbnails", Message);

        await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the message");

        Assert.True(lost.IsDisposed);
    }

    [Fact]
    public async Task A_lease_whose_token_says_that_it_is_lost_is_given_up_before_another_one_takes_its_place()
    {
        await using var ending = new EndingLease(await _memory.Queue.OpenReceiverAsync(new()));
        await using var layer = _memory.Open(queue: new SlowQueue(_memory.Queue) { FirstLease = ending });
        await layer.SendAsync("thumbnails", Message);
        await layer.SendAsync("thumbnails", Message);
        await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the first message");

        await ending.LoseAsync();
        await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the second message");

        Assert.True(ending.IsDisposed);
    }

    [Fact]
    public async Task A_message_that_a_lost_lease_left_without_an_expiry_and_that_nobody_waits_for_does_not_take_room_for_ever()
    {
        await using var layer = _memory.Open();
        using var expired = new ExpiredCount();
        var (unread, read) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        await _memory.Queue.EnqueueAsync(unread.QueueName, [new Envelope(Message) { Id = MessageId.New(_memory.Clock), Channel = unread }], EnqueueOptions.Default);

        await layer.SendAsync(read, Message);
        await Wait.For(layer.ReceiveAsync(read).AsTask(), "the message behind it");

        Assert.Equal(0, layer.ParkedCount);
        Assert.Empty(await _memory.Queue.ListChannelsAsync());
        Assert.True(expired.Value >= 1);
    }

    [Fact]
    public async Task What_was_read_for_others_is_forgotten_when_everything_is_flushed()
    {
        await using var layer = _memory.Open();
        var (unread, read) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        await layer.SendAsync(unread, Message);
        await layer.SendAsync(read, Message);
        await Wait.For(layer.ReceiveAsync(read).AsTask(), "the message behind the other");
        Assert.Equal(1, layer.ParkedCount);

        await layer.FlushAsync();

        Assert.Equal(0, layer.ParkedCount);
    }

    [Fact]
    public async Task A_group_takes_any_number_of_messages_one_after_another()
    {
        await using var layer = _memory.Open();
        await layer.AddToGroupAsync("watchers", "thumbnails");

        for (var sent = 0; sent <= 10_000; sent++) // as many as may wait for a slow queue, and one more
        {
            await layer.SendToGroupAsync("watchers", Message);
            await Wait.For(layer.ReceiveAsync("thumbnails").AsTask(), "the group's message");
        }
    }

    [Fact]
    public async Task A_receive_fails_while_the_layer_is_away_and_the_next_one_gets_the_message()
    {
        await using var layer = _memory.Open(queue: new WatchedQueue(_memory.Queue) { FailingReceives = 1 });
        var channel = await layer.NewChannelAsync();

        var failure = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(layer.ReceiveAsync(channel).AsTask(), "the failure"));
        await layer.SendAsync(channel, Message);
        await Wait.For(layer.ReceiveAsync(channel).AsTask(), "the message");

        Assert.Equal("The layer is away.", failure.Message);
    }

    [Fact]
    public async Task All_who_receive_from_a_channel_are_told_that_the_layer_is_away_or_ends()
    {
        var allWait = new TaskCompletionSource();
        var layer = _memory.Open(queue: new WatchedQueue(_memory.Queue) { FailingReceives = 1, OnReceive = () => allWait.Task });
        var channel = await layer.NewChannelAsync();
        Task[] Receive() => [.. Enumerable.Range(0, 3).Select(_ => layer.ReceiveAsync(channel).AsTask())];

        var failing = Receive();
        allWait.SetResult();
        foreach (var receiving in failing)
            await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(receiving, "the failure"));
        var waiting = Receive();
        await layer.DisposeAsync();

        foreach (var receiving in waiting)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(receiving, "the end of the layer"));
    }

    [Fact]
    public async Task A_group_that_its_last_member_has_left_is_not_heard_any_more()
    {
        await using var layer = _memory.Open();
        await layer.AddToGroupAsync("watchers", "thumbnails");

        await layer.RemoveFromGroupAsync("watchers", "thumbnails");

        Assert.Equal(0, _memory.Backplane.TopicCount);
    }

    /// <summary>Takes a message out only when it is told to go on.</summary>
    private sealed class SlowQueue(IWorkQueue inner) : IWorkQueue
    {
        private readonly TaskCompletionSource _cancelling = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public WorkQueueFeatures Features => inner.Features;

        public IWorkReceiver? FirstLease { get; set; }

        public Task Cancelling => _cancelling.Task;

        public void GoOn() => _goesOn.TrySetResult();

        public async ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default)
        {
            _cancelling.TrySetResult();
            await _goesOn.Task;
            return await inner.CancelAsync(channel, id, cancellationToken);
        }

        public async ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default)
        {
            var first = FirstLease;
            FirstLease = null;
            return first ?? await inner.OpenReceiverAsync(options, cancellationToken);
        }

        public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default) =>
            inner.EnqueueAsync(channel, envelopes, options, cancellationToken);

        public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => inner.GetTimeAsync(cancellationToken);
    }

    /// <summary>Has its caller cancel as soon as a message is taken, and then completes nothing under the caller's token.</summary>
    private sealed class CancellingLease(IWorkReceiver inner, CancellationTokenSource caller) : IWorkReceiver
    {
        public string WorkerId => inner.WorkerId;

        public bool IsHeld => inner.IsHeld;

        public CancellationToken Lost => inner.Lost;

        public async ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
        {
            var received = await inner.ReceiveAsync(channel, max, cancellationToken);
            await caller.CancelAsync();
            return received;
        }

        public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return inner.CompleteAsync(message, cancellationToken);
        }

        public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default) =>
            inner.AbandonAsync(message, options, cancellationToken);

        public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
            inner.DeadLetterAsync(message, reason, error, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    /// <summary>Is lost, and its token does not say so yet.</summary>
    private sealed class LostLease : IWorkReceiver
    {
        public bool IsDisposed { get; private set; }

        public string WorkerId => "lost";

        public bool IsHeld => false;

        public CancellationToken Lost => CancellationToken.None;

        public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default) =>
            throw (IsDisposed ? new ObjectDisposedException(nameof(IWorkReceiver)) : new LeaseLostException(WorkerId));

        public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) => new(false);

        public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default) => new(false);

        public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) => new(false);

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Is held until the test says that it is lost.</summary>
    private sealed class EndingLease(IWorkReceiver inner) : IWorkReceiver
    {
        private readonly CancellationTokenSource _lost = new();

        public bool IsDisposed { get; private set; }

        public string WorkerId => inner.WorkerId;

        public bool IsHeld => !_lost.IsCancellationRequested && inner.IsHeld;

        public CancellationToken Lost => _lost.Token;

        public Task LoseAsync() => _lost.CancelAsync();

        public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default) =>
            inner.ReceiveAsync(channel, max, cancellationToken);

        public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default) => inner.CompleteAsync(message, cancellationToken);

        public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default) =>
            inner.AbandonAsync(message, options, cancellationToken);

        public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default) =>
            inner.DeadLetterAsync(message, reason, error, cancellationToken);

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            _lost.Dispose();
            return inner.DisposeAsync();
        }
    }
}
