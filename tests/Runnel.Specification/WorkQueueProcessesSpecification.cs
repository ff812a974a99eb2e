using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>The promises of <see cref="IWorkQueue"/> and its leases that may be kept within one process and broken between several.</summary>
/// <remarks>
/// They are about who holds a message and who waits: deaths, departures and fences; the turn of a key; and wake-ups, by a message, by room, by time.
/// What is decided in the store, in one step and the same for whoever asks, is in <see cref="WorkQueueSpecification"/>.
/// </remarks>
public abstract partial class WorkQueueProcessesSpecification : IAsyncLifetime
{
    private protected static readonly ChannelName Channel = "payments";

    private readonly List<IWorkQueue> _opened = [];
    private readonly List<IWorkReceiver> _leases = [];
    private int _made;

    /// <summary>The time.</summary>
    protected abstract SpecificationClock Clock { get; }

    /// <summary>How workers hold messages; a layer that notices a death by the lease's end takes a short one.</summary>
    protected virtual ReceiverOptions LeaseOptions { get; } = new();

    /// <summary>The queue of the test's first process.</summary>
    protected IWorkQueue Queue { get; private set; } = null!;

    /// <summary>Its operator.</summary>
    protected IWorkQueueOperator Operator { get; private set; } = null!;

    /// <summary>Opens the queue of one more process; all of a test share one store, which is empty at first.</summary>
    protected abstract ValueTask<OpenedQueue> OpenAsync();

    /// <summary>Kills a worker as kill -9 would, and returns when the layer has noticed.</summary>
    protected abstract Task CrashAsync(IWorkReceiver lease);

    /// <inheritdoc/>
    public virtual async ValueTask InitializeAsync() => (Queue, Operator) = await OpenedAsync();

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var lease in _leases)
            await lease.DisposeAsync();
        foreach (var queue in _opened.OfType<IAsyncDisposable>())
            await queue.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Whether the layer makes the promise that a test is about. If it does not, the test says so in its result; and what can be asked for is seen to be refused.
    /// </summary>
    private protected async Task<bool> PromisesAsync(WorkQueueFeatures feature)
    {
        if (Queue.Features.HasFlag(feature))
            return true;
        if (feature is WorkQueueFeatures.CountCrashes or WorkQueueFeatures.AtomicBatches or WorkQueueFeatures.KeepPlace or WorkQueueFeatures.ExactCapacity or WorkQueueFeatures.FullStatus)
        {
            NotPromised.Note($"{feature}"); // how well the queue does what every queue does
            return false;
        }
        NotPromised.Note($"{feature}", await Assert.ThrowsAsync<NotSupportedException>(() => UseAsync(feature)));
        await AssertNothingHeldAsync();
        return false;
    }

    private protected Task UseAsync(WorkQueueFeatures feature) => feature switch
    {
        WorkQueueFeatures.Cancel => Queue.CancelAsync(Channel, Of("1").Id).AsTask(),
        WorkQueueFeatures.Deduplicate => EnqueueAsync(Of("1") with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(100) }).AsTask(),
        WorkQueueFeatures.KeyOrder => EnqueueAsync(Of("1") with { Key = "k" }).AsTask(),
        WorkQueueFeatures.FilterDeadLetters => Operator.ListDeadLettersAsync(Channel, new DeadLetterFilter { Type = "pay" }, limit: 1).AsTask(),
        _ => throw new ArgumentOutOfRangeException(nameof(feature), feature, "No test asks for this feature yet: say here how it is used."),
    };

    private protected async Task<OpenedQueue> OpenedAsync()
    {
        var opened = await OpenAsync();
        if (!_opened.Contains(opened.Queue))
            _opened.Add(opened.Queue);
        return opened;
    }

    private protected async Task<IWorkReceiver> WorkerAsync(ReceiverOptions? options = null, IWorkQueue? queue = null)
    {
        var lease = await (queue ?? Queue).OpenReceiverAsync(options ?? LeaseOptions);
        _leases.Add(lease);
        return lease;
    }

    private protected Envelope Of(string text, string? key = null, string type = "pay") => new(new Message(type, Encoding.UTF8.GetBytes(text)))
    {
        // Ordered ids: what is stored later sorts later on every layer.
        Id = new MessageId(Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddMilliseconds(Interlocked.Increment(ref _made)))),
        SentAt = Clock.Now,
        Key = KeyOf(key),
    };

    /// <summary>A key, where the layer knows keys. Tests of what keys are for ask whether it does.</summary>
    private protected string? KeyOf(string? key) => Queue.Features.HasFlag(WorkQueueFeatures.KeyOrder) ? key : null;

    private protected ValueTask<int> EnqueueAsync(params Envelope[] envelopes) => Queue.EnqueueAsync(Channel, envelopes, EnqueueOptions.Default);

    private protected static EnqueueOptions CapacityOf(int capacity) => new() { Capacity = capacity };

    private protected static Task<IReadOnlyList<ReceivedMessage>> TakeAsync(IWorkReceiver lease, int max, ChannelName? channel = null) =>
        Wait.For(lease.ReceiveAsync(channel ?? Channel, max).AsTask(), "a message");

    private protected static async Task<ReceivedMessage> TakeOneAsync(IWorkReceiver lease, ChannelName? channel = null) =>
        Assert.Single(await TakeAsync(lease, 1, channel));

    /// <summary>Takes messages until there are so many: a layer may hand out fewer at a time than it has.</summary>
    private protected static async Task<List<ReceivedMessage>> TakeAllAsync(IWorkReceiver lease, int count)
    {
        List<ReceivedMessage> all = [];
        while (all.Count < count)
            all.AddRange(await TakeAsync(lease, count - all.Count));
        return all;
    }

    /// <summary>Takes one message after another, completing each, and answers their texts.</summary>
    private protected static async Task<List<string>> DrainAsync(IWorkReceiver lease, int count)
    {
        List<string> texts = [];
        while (texts.Count < count)
        {
            var message = await TakeOneAsync(lease);
            texts.Add(Text(message));
            Assert.True(await lease.CompleteAsync(message));
        }
        return texts;
    }

    /// <summary>Asserts that no message could be taken now: one that is stored only now is the first.</summary>
    private protected async Task AssertNothingReadyAsync()
    {
        var lease = await WorkerAsync();
        var marker = Of("marker");
        await EnqueueAsync(marker);
        var next = await TakeOneAsync(lease);
        Assert.Equal("marker", Text(next));
        Assert.True(await lease.CompleteAsync(next));
        await lease.DisposeAsync();
    }

    /// <summary>Asserts that another worker is handed nothing before that time: a real clock may have gone on past it.</summary>
    private protected async Task AssertNothingReadyBeforeAsync(DateTimeOffset due)
    {
        var lease = await WorkerAsync();
        var taken = await TakeBesideMarkerAsync(lease);
        var now = Clock.Now;
        Assert.True(taken is null || now >= due, $"A message that was due at {due:O} was handed out before {now:O}.");
        await lease.DisposeAsync(); // which gives it back
    }

    /// <summary>Takes the message that is due then, asserting that it is not handed out any earlier: not by a hair.</summary>
    private protected async Task<ReceivedMessage> TakeNotBeforeAsync(IWorkReceiver lease, DateTimeOffset due)
    {
        var half = Clock.Now + ((due - Clock.Now) / 2);
        foreach (var moment in new[] { Clock.Now, half, due - TimeSpan.FromTicks(1) })
        {
            if (moment > Clock.Now)
                await Clock.AdvanceAsync(moment - Clock.Now);
            if (await TakeBesideMarkerAsync(lease) is not { } taken)
                continue;
            // A real clock may have gone on past the moment meant.
            var now = Clock.Now;
            Assert.True(now >= due, $"Too early: '{Text(taken)}' was due at {due:O}, and was handed out before {now:O}.");
            return taken;
        }

        var receiving = lease.ReceiveAsync(Channel, 10).AsTask();
        // And a millisecond more: timers count in those.
        if (Clock.Now < due)
            await Clock.AdvanceAsync(due - Clock.Now + TimeSpan.FromMilliseconds(1));
        return Assert.Single(await Wait.For(receiving, "the message that is due"));
    }

    /// <summary>What can be taken now, if anything can: a marker is stored, before which it would come.</summary>
    private protected async Task<ReceivedMessage?> TakeBesideMarkerAsync(IWorkReceiver lease)
    {
        var marker = Of("marker");
        await EnqueueAsync(marker);
        ReceivedMessage? other = null;
        for (var found = false; !found;)
        {
            foreach (var message in await TakeAsync(lease, 10))
            {
                if (message.Id == marker.Id)
                    found = await lease.CompleteAsync(message);
                else if (other is null)
                    other = message;
                else
                    await lease.AbandonAsync(message, AbandonOptions.Untouched);
            }
        }
        return other;
    }

    private protected async Task<ChannelStatus?> StatusAsync() =>
        (await Operator.ListChannelsAsync()).SingleOrDefault(status => status.Channel == Channel);

    /// <summary>What the channel's status tells, if the layer promises to tell all of it.</summary>
    private protected async Task AssertStatusAsync<T>(T expected, Func<ChannelStatus, T> of)
    {
        if (await PromisesAsync(WorkQueueFeatures.FullStatus))
            Assert.Equal(expected, await StatusAsync() is { } status ? of(status) : default);
    }

    private protected async Task AssertNothingHeldAsync() => Assert.Null(await StatusAsync());

    private protected static string Text(ReceivedMessage message) => Text(message.Envelope);

    private protected static string Text(Envelope envelope) => Encoding.UTF8.GetString(envelope.Message.Body.Span);
}
